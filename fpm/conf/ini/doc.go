// Package ini reads text in the syntax of php.ini as PHP reads that file
// (INI_SCANNER_NORMAL): the same tokens, the same grammar, and errors in the
// same words.
//
// It is a parser, not a store. Parse walks the text once and hands each
// section, entry and array entry to a callback, in the order of the text,
// including those that precede a syntax error. What an entry means is the
// caller's business.
//
//	err := ini.Parse("[www]\nlisten = ${HOST}:9000\n", ini.Env{Variable: lookup},
//		func(e ini.Event) { ... })
//
// Two packages use it. Package phpini reads php.ini, which is one text. Package
// conf reads php-fpm.conf line by line, as php-fpm does, and each line is a text
// of its own: no value spans lines, and a byte order mark is dropped from every
// line.
//
// The syntax has no standard but PHP's scanner, and this package follows the
// scanner where it is odd. An indented "[www]" is an array
// entry without a name, an empty pair of single quotes ends the value before
// it, "a = b = c" is an entry, an end of line and an error. The tests compare
// all of this with PHP itself on generated texts.
//
// Like PHP's, a text ends at its first NUL byte. Nothing here keeps state
// between calls, reads the environment or panics, whatever the text.
package ini
