package ini

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func collect(t *testing.T, src string, env Env) (events []string, err error) {
	t.Helper()
	err = Parse(src, env, func(e Event) {
		switch {
		case e.Kind == Section:
			events = append(events, fmt.Sprintf("[%s]", e.Name))
		case e.Kind == ArrayEntry:
			events = append(events, fmt.Sprintf("%s[%s]=%s", e.Name, e.Key, e.Value))
		case e.Bare:
			events = append(events, e.Name)
		default:
			events = append(events, fmt.Sprintf("%s=%s", e.Name, e.Value))
		}
	})
	return events, err
}

func TestParse(t *testing.T) {
	env := Env{
		Constant: VersionConstant(func() string { return "8.2.36" }),
		Variable: func(name string) (string, bool) {
			v, ok := map[string]string{"HOME": "/root", "PATH_1": "a:b"}[name]
			return v, ok
		},
	}
	tests := []struct{ name, src, want, err string }{
		{"empty", "", "", ""},
		{"section", "[www]\n", "[www]", ""},
		{"section then entry on one line", "[www] user = www\n", "[www] | user=www", ""},
		{"indented section is an array without a name", "  [www]\n", "", "syntax error, unexpected END_OF_LINE, expecting '=' in Unknown on line 2"},
		{"section after a tab", "\t[www]\n", "[www]", ""},
		{"byte order mark", "\xef\xbb\xbf[www]\n", "[www]", ""},
		{"crlf", "a = b\r\nc = d\r\n", "a=b | c=d", ""},
		{"blanks", "  a  =  b c  \n", "a=b c", ""},
		{"bare label", "a\nb = 1\n", "a | b=1", ""},
		{"comment", "a = b ; c\n; d = e\n", "a=b", ""},
		{"hash is a label", "# a = b\n", "# a=b", ""},
		{"comment without a newline", "a = b\n;c", "a=b", ""},
		{"entry without a newline", "a = b", "a=b", ""},
		{"label without a newline vanishes", "a = b\nc", "a=b", ""},
		{"booleans", "a = On\nb = YES \nc = none\nd = null\ne = yesterday\n", "a=1 | b=1 | c= | d= | e=yesterday", ""},
		{"boolean name", "on = 1\n", "", "syntax error, unexpected BOOL_TRUE in Unknown on line 1"},
		{"double quotes", `a = "b \"c\" \\ \n \$ 'd'"` + "\n", `a=b "c" \ \n $ 'd'`, ""},
		{"double quotes over lines", "a = \"b\nc\"\nd\n", "a=b\nc | d", ""},
		{"windows path", `a = "C:\b\"` + "\n", `a=C:\b\`, ""},
		{"single quotes", `a = 'b "c" ${HOME} \'` + "\n", `a=b "c" ${HOME} \`, ""},
		{"empty single quotes end a value", "a = ''\n", "a= | '", ""},
		{"unterminated single quote", "a = 'b\n", "", "syntax error, unexpected end of file in Unknown on line 1"},
		{"unterminated double quote", "a = \"b\n", "", "syntax error, unexpected end of file, expecting TC_DOLLAR_CURLY or TC_QUOTED_STRING or '\"' in Unknown on line 2"},
		{"variable", "a = ${HOME}/x\nb = \"${PATH_1}:${NONE}\"\n[${HOME}]\n", "a=/root/x | b=a:b: | [/root]", ""},
		{"variable with blanks", "a = ${ HOME }\n", "a=/root", ""},
		{"dollars", "a = $HOME\nb = a$b\nc = $$\n", "a=$HOME | b=a$b | c=$$", ""},
		{"dollar takes a blank", "a = b$ c\n", "a=b$ c", ""},
		{"unclosed variable", "a = ${HOME\n", "", "syntax error, unexpected end of file, expecting '}' in Unknown on line 1"},
		{"constants", "a = E_ALL\nb = PHP_VERSION\nc[E_ERROR] = 1\n[E_ALL]\nd = \"E_ALL\"\n", "a=32767 | b=8.2.36 | c[1]=1 | [E_ALL] | d=E_ALL", ""},
		{"constant with more is a string", "a = E_ALL.x\n", "a=E_ALL.x", ""},
		{"operators", "a = E_ALL & ~E_NOTICE\nb = 1|2|4\nc = !0\nd = ~(1|2)\ne = 7 ^ 2\nf = 6 & 3 | 8\n", "a=32759 | b=7 | c=1 | d=-4 | e=5 | f=10", ""},
		{"unclosed parenthesis", "a = (1\n", "", "syntax error, unexpected END_OF_LINE, expecting '^' or '|' or '&' or ')' in Unknown on line 2"},
		{"second equals sign", "a = b = c\n", "a=b ", "syntax error, unexpected '=' in Unknown on line 1"},
		{"arrays", "a[] = 1\na[b] = 2\na['c d'] = 3\na[\"${HOME}\"] = 4\na[e f] = 5\n", "a[]=1 | a[b]=2 | a[c d]=3 | a[/root]=4 | a[e f]=5", ""},
		{"array without a value", "a[b]\n", "", "syntax error, unexpected END_OF_LINE, expecting '=' in Unknown on line 2"},
		{"unclosed section", "[a\n", "", "syntax error, unexpected end of file, expecting ']' in Unknown on line 1"},
		{"stray parenthesis", "a)\n", "a", "syntax error, unexpected ')' in Unknown on line 1"},
		{"nul ends the text", "a = b\x00c = d\n", "a=b", ""},
		{"too deep", "a = " + strings.Repeat("(", 20000) + "\n", "", "memory exhausted in Unknown on line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, err := collect(t, tt.src, env)
			if got := strings.Join(events, " | "); got != tt.want {
				t.Errorf("events\n got %q\nwant %q", got, tt.want)
			}
			msg := ""
			if err != nil {
				msg = err.Error()
				if se := (*SyntaxError)(nil); !errors.As(err, &se) {
					t.Errorf("%T is no *SyntaxError", err)
				}
			}
			if msg != tt.err {
				t.Errorf("error\n got %q\nwant %q", msg, tt.err)
			}
		})
	}
}

func TestAtoi(t *testing.T) {
	for s, want := range map[string]int32{
		"": 0, "12": 12, " \t-12x": -12, "+7": 7, "- 1": 0, "x": 0,
		"2147483647": 2147483647, "2147483648": -2147483648, "4294967297": 1,
		"9223372036854775807": -1, "9223372036854775808": -1, "99999999999999999999999": -1,
		"-9223372036854775808": 0, "-9223372036854775809": 0, "-9223372036854775807": 1,
	} {
		if got := Atoi(s); got != want {
			t.Errorf("Atoi(%q) = %d, want %d", s, got, want)
		}
	}
}

// A configuration with env[HOSTNAME] and a time zone needs no PHP to be read.
func TestOnlyWordsInValuesMayBeConstantsOfExtensions(t *testing.T) {
	var asked []string
	env := Env{Constant: Constant, Loaded: func(name string) (string, bool) {
		if MayBeLoaded(name) {
			asked = append(asked, name)
		}
		return "7", name == "SO_X"
	}}
	var got []string
	err := Parse("[POOL]\nenv[HOSTNAME] = SO_X | 8\nenv[SO_X] = UTC\nlang = C\nvariables_order = EGPCS\nrequest_order = GP\n"+
		"a = \"SO_X\"\nb = 'SO_X'\nc = SO_X.y\nd = dynamic\ne = E_ALL\nf = NONE\ng = Europe\nh = UTF-8\ni = A SO_X\n", env, func(e Event) {
		if e.Kind != Section {
			got = append(got, e.Name+e.Key+"="+e.Value)
		}
	})
	want := []string{"envHOSTNAME=15", "envSO_X=UTC", "lang=C", "variables_order=EGPCS", "request_order=GP",
		"a=SO_X", "b=SO_X", "c=SO_X.y", "d=dynamic", "e=32767", "f=", "g=Europe", "h=UTF-8", "i=A 7"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if want := []string{"SO_X", "A", "SO_X"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

func TestWordsThatMayBeConstants(t *testing.T) {
	for word, want := range map[string]bool{
		"SO_TYPE": true, "CURL_SSLVERSION_TLSv1_2": true, "CURL_SSLVERSION_SSLv3": true, "UTC": false, "EGPCS": false,
		"v8": false, "Av": false, "Web": false, "www": false, "UTF-8": false,
	} {
		if got := MayBeLoaded(word); got != want {
			t.Errorf("%s: got %t, want %t", word, got, want)
		}
	}
}
