package ini

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/serve"
)

var (
	update = flag.Bool("update", false, "rewrite constants.txt from the installed php")
	seed   = flag.Int64("ini.seed", 8236, "seed of the generated texts")
	count  = flag.Int("ini.count", 30000, "number of generated texts")
)

// php is stock PHP's command line. It is part of what this project is tested
// with: without it the test fails, unless -short is given.
func php(t *testing.T) string {
	if testing.Short() {
		t.Skip("needs stock php")
	}
	if err := serve.Stock().Installed(); err != nil {
		t.Fatal(err)
	}
	return serve.Stock().CLI
}

var testVariables = []string{"INI_A=plain", "INI_B=with space; \"x\" ${INI_A}", "INI_EMPTY="}

func testEnv(t *testing.T, php string) Env {
	out, err := exec.Command(php, "-n", "-r", "echo PHP_VERSION;").Output()
	if err != nil {
		t.Fatal(err)
	}
	return Env{
		PHP:      sapi.ParsePHPVersion(string(out)),
		Constant: VersionConstant(func() string { return string(out) }),
		Variable: func(name string) (string, bool) {
			for _, v := range testVariables {
				if k, v, _ := strings.Cut(v, "="); k == name {
					return v, true
				}
			}
			return "", false
		},
	}
}

// TestLikePHP feeds the same generated texts to Parse and to PHP's
// parse_ini_string and compares what each made of them: the arrays, or the
// words and the line of the failure.
func TestLikePHP(t *testing.T) {
	bin := php(t)
	env := testEnv(t, bin)
	texts := generate(rand.New(rand.NewSource(*seed)), *count)
	answers := askPHP(t, bin, texts)
	bad := 0
	for i, text := range texts {
		if got := likePHP(text, env); got != answers[i] {
			t.Errorf("%q\n got %s\nwant %s", text, readable(got), readable(answers[i]))
			if bad++; bad == 20 {
				t.Fatal("too many differences")
			}
		}
	}
}

func askPHP(t *testing.T, bin string, texts []string) []string {
	var in bytes.Buffer
	for _, text := range texts {
		in.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		in.WriteString(text)
	}
	cmd := exec.Command(bin, "-n", "testdata/parse.php")
	cmd.Env = append([]string{"LC_ALL=C"}, testVariables...)
	cmd.Stdin = &in
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(texts) {
		t.Fatalf("php answered %d of %d texts", len(answers), len(texts))
	}
	return answers
}

// likePHP renders a parse as testdata/parse.php does.
func likePHP(text string, env Env) string {
	top := &phpArray{}
	active := top
	err := Parse(text, env, func(e Event) {
		switch {
		case e.Kind == Section:
			active = &phpArray{}
			top.set(symbolKey(e.Name), active)
		case e.Bare:
		case e.Kind == Entry:
			active.set(symbolKey(e.Name), e.Value)
		default:
			a := active.sub(arrayKey(e.Name))
			if e.Key == "" {
				a.add(e.Value)
			} else {
				a.set(symbolKey(e.Key), e.Value)
			}
		}
	})
	if err != nil {
		return "fails: " + err.Error()
	}
	return "ok: " + top.show()
}

// phpArray is as much of PHP's array as parse_ini_string shows.
type phpArray struct {
	keys   []string
	values map[string]any
	next   int64
}

func (a *phpArray) set(key string, v any) {
	if a.values == nil {
		a.values = map[string]any{}
	}
	if _, ok := a.values[key]; !ok {
		a.keys = append(a.keys, key)
	}
	a.values[key] = v
	if n, err := strconv.ParseInt(key, 10, 64); err == nil && n >= a.next && n < math.MaxInt64 {
		a.next = n + 1
	}
}

func (a *phpArray) add(v any) { a.set(strconv.FormatInt(a.next, 10), v) }

func (a *phpArray) sub(key string) *phpArray {
	if s, ok := a.values[key].(*phpArray); ok {
		return s
	}
	s := &phpArray{}
	a.set(key, s)
	return s
}

func (a *phpArray) show() string {
	var b strings.Builder
	for _, k := range a.keys {
		b.WriteString(k + "=")
		switch v := a.values[k].(type) {
		case string:
			b.WriteString(hex.EncodeToString([]byte(v)))
		case *phpArray:
			b.WriteString("{" + v.show() + "}")
		}
		b.WriteString(";")
	}
	return b.String()
}

var (
	canonicalInt = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	numericInt   = regexp.MustCompile(`^[ \t\n\r\v\f]*[-+]?[0-9]{1,18}[ \t\n\r\v\f]*$`)
)

// symbolKey is PHP's key for a string that may be a number.
func symbolKey(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil && canonicalInt.MatchString(s) {
		return s
	}
	return "'" + hex.EncodeToString([]byte(s)) + "'"
}

// arrayKey is how parse_ini_string turns an array's name into a key.
func arrayKey(s string) string {
	if numericInt.MatchString(s) && !(len(s) > 1 && s[0] == '0') {
		n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(s), "+"), 0, 64)
		if err == nil {
			return strconv.FormatInt(n, 10)
		}
	}
	return "'" + hex.EncodeToString([]byte(s)) + "'"
}

var hexRun = regexp.MustCompile(`[0-9a-f]{2,}`)

func readable(s string) string {
	if strings.HasPrefix(s, "fails") {
		return s
	}
	return hexRun.ReplaceAllStringFunc(s, func(h string) string {
		b, err := hex.DecodeString(h)
		if err != nil {
			return h
		}
		return fmt.Sprintf("%q", b)
	})
}

// generate makes texts of three kinds: statements put together from likely
// pieces, the same with a few bytes changed, and heaps of single bytes that mean
// something to the scanner.
func generate(r *rand.Rand, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		switch r.Intn(4) {
		case 0:
			texts[i] = heap(r)
		case 1:
			texts[i] = damage(r, statements(r))
		default:
			texts[i] = statements(r)
		}
	}
	return texts
}

func pick(r *rand.Rand, from ...string) string { return from[r.Intn(len(from))] }

func heap(r *rand.Rand) string {
	var b strings.Builder
	for n := r.Intn(14); n >= 0; n-- {
		b.WriteString(pick(r, "a", "b", "1", "0", "-", ".", " ", "\t", "\n", "\r", "\r\n", "=", "=", "[", "]", ";", "#",
			"\"", "'", "\\", "$", "${", "{", "}", "(", ")", "|", "&", "^", "~", "!", ",", ":", "/", "%", "on", "no",
			"null", "E_ALL", "INI_A", "\x00", "\x01", "\x7f", "\xc3\xa4", "\xef\xbb\xbf", "a=", "a[", "=\""))
	}
	return b.String()
}

func damage(r *rand.Rand, s string) string {
	b := []byte(s)
	for n := 1 + r.Intn(3); n > 0 && len(b) > 0; n-- {
		i := r.Intn(len(b))
		switch r.Intn(3) {
		case 0:
			b = append(b[:i], b[i+1:]...)
		case 1:
			b[i] = heap(r)[0]
		default:
			b = append(b[:i], append([]byte(heap(r)), b[i:]...)...)
		}
	}
	return string(b)
}

func statements(r *rand.Rand) string {
	var b strings.Builder
	if r.Intn(20) == 0 {
		b.WriteString("\xef\xbb\xbf")
	}
	for n := r.Intn(4); n >= 0; n-- {
		b.WriteString(pick(r, "", "", "", "", " ", "\t", "  \t"))
		name := pick(r, "a", "pm.max_children", "php_value", "a b", "b", "Include", "7", "on", "x/y", "ü", "é-1", "a'b")
		blank := func() string { return pick(r, "", "", " ", "\t", "  ") }
		switch r.Intn(6) {
		case 0:
			b.WriteString("[" + blank() + inside(r) + blank() + "]" + blank())
		case 1:
			b.WriteString(name + blank() + "[" + blank() + inside(r) + blank() + "]" + blank() + "=" + blank() + value(r))
		case 2:
			b.WriteString(name + blank())
		default:
			b.WriteString(name + blank() + "=" + blank() + value(r))
		}
		b.WriteString(pick(r, "", "", "", " ; comment", ";x=\"", " # not one", "  "))
		b.WriteString(pick(r, "\n", "\n", "\n", "\n", "\r\n", "\r", "", "\n\n"))
	}
	return b.String()
}

func inside(r *rand.Rand) string {
	switch r.Intn(5) {
	case 0:
		return ""
	case 1:
		return text(r)
	case 2:
		return text(r) + text(r)
	default:
		return pick(r, "www", "k", "5", "05", "1.5", "E_ALL", "E_ALL ", "true", "a.b c", `x\]y`, "$pool", "$a${INI_A}b")
	}
}

func value(r *rand.Rand) string {
	switch r.Intn(8) {
	case 0:
		return ""
	case 1:
		return pick(r, "on", "Off", "TRUE", "no", "none", "Null", "yes ", "nones", "on on", "yes 5", "no\t\"a\"", "off;")
	case 2, 3:
		return expr(r, 3)
	case 4:
		return text(r) + pick(r, "", " ", "  ") + text(r)
	default:
		return text(r)
	}
}

func expr(r *rand.Rand, depth int) string {
	sp := func() string { return pick(r, "", " ", "  ") }
	if depth == 0 || r.Intn(4) == 0 {
		return pick(r, "1", "2", "E_ALL", "E_NOTICE", "0", "-7", "\"12\"", "'3'", "2147483648", "99999999999999999999", "a", "${INI_A}", "1.9", "E_NONE")
	}
	switch r.Intn(6) {
	case 0:
		return "~" + sp() + expr(r, depth-1)
	case 1:
		return "!" + sp() + expr(r, depth-1)
	case 2:
		return "(" + sp() + expr(r, depth-1) + sp() + ")" + sp()
	default:
		return expr(r, depth-1) + sp() + pick(r, "|", "&", "^") + sp() + expr(r, depth-1)
	}
}

func text(r *rand.Rand) string {
	switch r.Intn(10) {
	case 0:
		return `"` + pick(r, "", "a b", `\"x\"`, `C:\dir\`, `${INI_A} and ${INI_B}`, "two\nlines", "cr\rlf\r\nx", `\\`, `\$x`, `$x`, `\n`, "; no comment", "${ INI_A }", "${X", "tab\t", "${INI_NONE:-a b}") + `"`
	case 1:
		return "'" + pick(r, "", "a b", `it\`, `${INI_A}`, "two\nlines", `"`, ";x") + "'"
	case 2:
		return pick(r, "${INI_A}", "${INI_B}", "${INI_EMPTY}", "${INI_NONE}", "${ INI_A\t}", "${}", "${INI-A.b}", "${INI_A", "${INI_NONE:-fall}", "${INI_A:-x}", "${INI_NONE:-${INI_A:-y} \"z\" E_ALL 7}", "${INI_EMPTY:-e}", "${a:-b}", "${INI_NONE:-", "${INI_NONE:}", "${INI_NONE:-}", "${INI_NONE:-a=b \\} c}", "$INI_A", "$", "$$", `$\a`, `$\$b`, `$\`)
	case 3:
		return pick(r, "PHP_VERSION", "E_ALL", "PHP_EOL", "M_PI", "DATE_COOKIE", "NAN", "INF", "PHP_INT_MAX", "PHP_OS", "e_all", "E_ALL.x", "DIRECTORY_SEPARATOR", "PHP_VERSION_ID")
	default:
		return pick(r, "abc", "/run/php/x.sock", "127.0.0.1:9000", "[::1]:9000", "10s", "128M", "0660", "-1", "1.5", ".5", "5.", "a,b", "a:b", "a%b", "<x>", "a@b", "*", "+1", "?", "#x", `a\b`, "a\x01b", "\xc3\xa4", "a-b_c", "9999999999999999999999")
	}
}

// TestConstants compares the table with the installed PHP's, or rewrites it.
func TestConstants(t *testing.T) {
	bin := php(t)
	out, err := exec.Command(bin, "-n", "testdata/constants.php").Output()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("constants.txt", out, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	env := testEnv(t, bin)
	has := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		has[name] = value
		if _, known := Constant(name); !known && !env.PHP.AtLeast(8, 3) {
			t.Errorf("constants.txt lacks %s (run with -update)", name)
		}
	}
	for line := range strings.Lines(constants) {
		name, _, _ := strings.Cut(line, "=")
		if name == "PHP_CONFIG_FILE_PATH" || name == "PHP_CONFIG_FILE_SCAN_DIR" {
			continue // package conf knows them
		}
		value, known := env.Constant(name)
		if want, right := has[name]; known && (!right || value != want) {
			t.Errorf("%s is %q, in PHP %q (8.2: run with -update)", name, value, want)
		}
	}
}
