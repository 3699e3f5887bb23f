package cli

import "fmt"

// Counterpart: main/getopt.c.

// option is one option that php's command line knows.
type option struct {
	letter    byte   // what the option is called inside, and on the command line where it is printable
	parameter bool   // it takes an argument
	name      string // its long name
}

// argument is an option as it was given.
type argument struct {
	letter byte
	value  string
}

// getopt reads options as php's own getopt does, which is no other's: `-dfoo=1`, `-d=foo=1`, `-d foo=1` and
// `--define=foo=1` are the same, `-nr code` is -n and -r, a lone `-` and the first word without a dash end the
// options, `--` is skipped and ends them.
type getopt struct {
	args    []string // the arguments, without the program's name
	options []option
	next    int // index in args: the word to read, and after the end the first that is no option
	at      int // index in the word, while several letters share it; 0 outside of such a word
}

// usageError is an option that is not known or has no argument. Its text is what php prints on stderr.
type usageError string

func (e usageError) Error() string { return string(e) }

// read gives the next option. The second result is false at the end of the options. The error is a usageError.
func (g *getopt) read() (argument, bool, error) {
	if g.next >= len(g.args) {
		return argument{}, false, nil
	}
	word := g.args[g.next]
	if g.at > 0 {
		return g.short(word)
	}
	switch {
	case len(word) < 2 || word[0] != '-':
		return argument{}, false, nil
	case word == "--":
		g.next++
		return argument{}, false, nil
	case word[1] == '-':
		return g.long(word)
	}
	g.at = 1
	return g.short(word)
}

// short reads the letter at g.at of word.
func (g *getopt) short(word string) (argument, bool, error) {
	letter := word[g.at]
	if letter == ':' {
		err := g.fail(g.next, g.at, ": in flags")
		g.skip(word, len(word))
		return argument{}, false, err
	}
	for _, o := range g.options {
		if o.letter != letter {
			continue
		}
		if !o.parameter {
			g.skip(word, g.at+1)
			return argument{letter: letter}, true, nil
		}
		return g.parameter(o, word, g.at+1)
	}
	err := g.fail(g.next, g.at, fmt.Sprintf("option not found %c", letter))
	g.skip(word, g.at+1)
	return argument{}, false, err
}

// skip goes on at index at of word, or with the next word.
func (g *getopt) skip(word string, at int) {
	if at < len(word) {
		g.at = at
		return
	}
	g.at = 0
	g.next++
}

// long reads `--name`, `--name=value` and `--name value`. php looks for the `=` behind the first letter of the name.
func (g *getopt) long(word string) (argument, bool, error) {
	name := word[2:]
	for i := 0; i < len(name)-1; i++ {
		if name[i] == '=' {
			name = name[:i]
			break
		}
	}
	for _, o := range g.options {
		if o.name != name {
			continue
		}
		if o.parameter {
			return g.parameter(o, word, 2+len(name))
		}
		g.next++
		return argument{letter: o.letter}, true, nil
	}
	g.next++
	return argument{}, false, g.fail(g.next-1, 0, "no argument for option "+word[:1])
}

// parameter reads an option's argument: what follows at index at of word, without a `=` in front, or the next word.
func (g *getopt) parameter(o option, word string, at int) (argument, bool, error) {
	optchr := g.at
	g.at = 0
	g.next++
	if at < len(word) {
		if word[at] == '=' {
			at++
		}
		return argument{o.letter, word[at:]}, true, nil
	}
	if g.next == len(g.args) {
		letter := word[optchr]
		return argument{}, false, g.fail(g.next-1, optchr, fmt.Sprintf("no argument for option %c", letter))
	}
	g.next++
	return argument{o.letter, g.args[g.next-1]}, true, nil
}

func (g *getopt) fail(word, char int, what string) error {
	return usageError(fmt.Sprintf("Error in argument %d, char %d: %s", word+1, char+1, what))
}
