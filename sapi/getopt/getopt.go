// Package getopt implements PHP's getopt, which differs from every libc's: an option may have a letter, a name or both, -d takes "a=b" with or without
// a space before it, and errors have PHP's own words. php, php-cgi and php-fpm share it, each with a table of its own (Option). A Reader yields one
// option after another and then the arguments that are left. It prints nothing and keeps no state beside the Reader.
//
// Counterpart: main/getopt.c.
package getopt

import "fmt"

// Option is one option that a command line knows.
type Option struct {
	Letter    byte   // what the option is called inside, and on the command line where it is printable
	Parameter bool   // it takes an argument
	Optional  bool   // it takes an argument as --name=argument, which is not empty, or none
	Name      string // its long name
}

// Argument is an option as it was given.
type Argument struct {
	Letter byte
	Value  string
}

// Reader reads the options of a command line: `-dfoo=1`, `-d=foo=1`, `-d foo=1` and
// `--define=foo=1` are the same, `-nr code` is -n and -r, a lone `-` and the first word without a dash end the
// options, `--` is skipped and ends them.
type Reader struct {
	Args    []string // the arguments, without the program's name
	Options []Option
	next    int // index in Args: the word to read, and after the end the first that is not an option
	at      int // index in the word, while several letters share it; 0 outside of such a word
	last    int // where the last letter stood in its word; 0 after a long name
	failed  string
}

// UsageError is an option that is not known or has no argument. Its text is what php prints on stderr.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Next returns the next option. The second result is false at the end of the options. The error is a UsageError.
func (r *Reader) Next() (Argument, bool, error) {
	if r.next >= len(r.Args) {
		return Argument{}, false, nil
	}
	word := r.Args[r.next]
	if r.at > 0 {
		return r.short(word)
	}
	switch {
	case len(word) < 2 || word[0] != '-':
		return Argument{}, false, nil
	case word == "--":
		r.next++
		return Argument{}, false, nil
	case word[1] == '-':
		return r.long(word)
	}
	r.at = 1
	return r.short(word)
}

// short reads the letter at g.at of word.
func (r *Reader) short(word string) (Argument, bool, error) {
	r.last = r.at
	letter := word[r.at]
	if letter == ':' {
		err := r.fail(r.next, r.at, ": in flags")
		r.skip(word, len(word))
		return Argument{}, false, err
	}
	for _, o := range r.Options {
		if o.Letter != letter {
			continue
		}
		if !o.Parameter {
			r.skip(word, r.at+1)
			return Argument{Letter: letter}, true, nil
		}
		return r.parameter(o, word, r.at+1)
	}
	err := r.fail(r.next, r.at, fmt.Sprintf("option not found %c", letter))
	r.skip(word, r.at+1)
	return Argument{}, false, err
}

// skip continues at index at of word, or with the next word.
func (r *Reader) skip(word string, at int) {
	if at < len(word) {
		r.at = at
		return
	}
	r.at = 0
	r.next++
}

// long reads `--name`, `--name=value` and `--name value`. php looks for the `=` behind the first letter of the name.
func (r *Reader) long(word string) (Argument, bool, error) {
	name := word[2:]
	for i := 0; i < len(name)-1; i++ {
		if name[i] == '=' {
			name = name[:i]
			break
		}
	}
	for _, o := range r.Options {
		if o.Name != name {
			continue
		}
		r.last = 0
		if o.Parameter || o.Optional && len(word) > 2+len(name) {
			return r.parameter(o, word, 2+len(name))
		}
		r.next++
		return Argument{Letter: o.Letter}, true, nil
	}
	r.next++
	// php counts from where it left off in an earlier word, and names what stands there in this one.
	letter := "\x00"
	if r.last < len(word) {
		letter = word[r.last : r.last+1]
	}
	return Argument{}, false, r.fail(r.next-1, r.last, "no argument for option "+letter)
}

// parameter reads an option's argument: what follows at index at of word, without a `=` before it, or the next word.
func (r *Reader) parameter(o Option, word string, at int) (Argument, bool, error) {
	optchr := r.at
	r.at = 0
	r.next++
	if at < len(word) {
		if word[at] == '=' {
			at++
		}
		return Argument{o.Letter, word[at:]}, true, nil
	}
	if r.next == len(r.Args) {
		letter := word[optchr]
		return Argument{}, false, r.fail(r.next-1, optchr, fmt.Sprintf("no argument for option %c", letter))
	}
	r.next++
	return Argument{o.Letter, r.Args[r.next-1]}, true, nil
}

// Failed returns the word in which the option of the last UsageError stands, which its text does not name.
func (r *Reader) Failed() string { return r.failed }

// Rest returns the arguments after the options.
func (r *Reader) Rest() []string { return r.Args[r.next:] }

// Ended reports whether `--` ended the options.
func (r *Reader) Ended() bool { return r.next > 0 && r.Args[r.next-1] == "--" }

func (r *Reader) fail(word, char int, what string) error {
	r.failed = r.Args[word]
	return UsageError(fmt.Sprintf("Error in argument %d, char %d: %s", word+1, char+1, what))
}
