package getopt

import (
	"slices"
	"strings"
	"testing"
)

var known = []Option{
	{Letter: 'd', Parameter: true, Name: "define"},
	{Letter: 'n', Name: "no-php-ini"},
	{Letter: 'q', Name: "q"},
	{Letter: 'r', Parameter: true, Name: "run"},
	{Letter: 11, Parameter: true, Name: "rf"},
	{Letter: 'i', Optional: true, Name: "ini"},
}

// What the options are read as: one word for each, an error in parentheses, ended where
// a -- ended them, and after a | the arguments that are left.
func TestReader(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "|"},
		{[]string{""}, "|"},
		{[]string{"-"}, "|-"},
		{[]string{"-", "-n"}, "|- -n"},
		{[]string{"script", "-n"}, "|script -n"},
		{[]string{"-n", "script", "-q"}, "n|script -q"},

		{[]string{"--"}, "ended|"},
		{[]string{"-n", "--", "-q"}, "n ended|-q"},
		{[]string{"--", "--"}, "ended|--"},
		{[]string{"-r", "--", "x"}, "r=-- ended|x"},

		{[]string{"-dfoo=1"}, "d=foo=1|"},
		{[]string{"-d=foo=1"}, "d=foo=1|"},
		{[]string{"-d", "foo=1"}, "d=foo=1|"},
		{[]string{"-d="}, "d=|"},
		{[]string{"-d", ""}, "d=|"},
		{[]string{"-d", "-n"}, "d=-n|"},
		{[]string{"--define=foo=1"}, "d=foo=1|"},
		{[]string{"--define", "foo=1"}, "d=foo=1|"},
		{[]string{"--define="}, "(Error in argument 1, char 1: no argument for option -)|"}, // php counts the = as part of the name

		{[]string{"-nq"}, "n q|"},
		{[]string{"-nr", "code"}, "n r=code|"},
		{[]string{"-nrcode"}, "n r=code|"},
		{[]string{"-nr=code", "x"}, "n r=code|x"},
		{[]string{"--rf", "strlen"}, "\v=strlen|"},
		{[]string{"--rf=strlen"}, "\v=strlen|"},

		{[]string{"-x"}, "(Error in argument 1, char 2: option not found x)|"},
		{[]string{"-xn"}, "(Error in argument 1, char 2: option not found x) n|"},
		{[]string{"-n", "-nx", "y"}, "n n (Error in argument 2, char 3: option not found x)|y"},
		{[]string{"-n:q", "y"}, "n (Error in argument 1, char 3: : in flags)|y"},
		{[]string{"-d"}, "(Error in argument 1, char 2: no argument for option d)|"},
		{[]string{"-nd"}, "n (Error in argument 1, char 3: no argument for option d)|"},
		{[]string{"--define"}, "(Error in argument 1, char 1: no argument for option -)|"},
		{[]string{"--nonsense", "x"}, "(Error in argument 1, char 1: no argument for option -)|x"},
		{[]string{"-n", "--nonsense"}, "n (Error in argument 2, char 2: no argument for option -)|"}, // php keeps counting
		{[]string{"-nq", "--nonsense"}, "n q (Error in argument 2, char 3: no argument for option n)|"},
		{[]string{"-nq", "--q", "--nonsense"}, "n q q (Error in argument 3, char 1: no argument for option -)|"},
		{[]string{"-nq", "--"}, "n q ended|"},
		{[]string{"--nonsense=1"}, "(Error in argument 1, char 1: no argument for option -)|"},

		{[]string{"--ini", "x"}, "i|x"},
		{[]string{"--ini=x", "y"}, "i=x|y"},
		{[]string{"-dx", "--ini"}, "d=x i|"}, // php 8.5 once took -d's argument for --ini's
		{[]string{"--ini="}, "(Error in argument 1, char 1: no argument for option -)|"},
		{[]string{"-in"}, "i n|"},

		// The = is looked for behind the first letter of the name.
		{[]string{"--q=x"}, "q|"},
		{[]string{"--=x"}, "(Error in argument 1, char 1: no argument for option -)|"},
		{[]string{"--no-php-ini=x"}, "n|"},
	} {
		g := Reader{Args: test.args, Options: known}
		var read []string
		for range 20 {
			o, ok, err := g.Next()
			switch {
			case err != nil:
				read = append(read, "("+err.Error()+")")
			case ok && (o.Value != "" || slices.ContainsFunc(known, func(k Option) bool { return k.Letter == o.Letter && k.Parameter })):
				read = append(read, string(o.Letter)+"="+o.Value)
			case ok:
				read = append(read, string(o.Letter))
			}
			if !ok && err == nil {
				break
			}
		}
		if g.Ended() {
			read = append(read, "ended")
		}
		got := strings.Join(read, " ") + "|" + strings.Join(g.Rest(), " ")
		if got != test.want {
			t.Errorf("%q is read as %q, want %q", test.args, got, test.want)
		}
	}
}
