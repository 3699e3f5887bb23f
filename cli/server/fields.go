package server

import (
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// fields reads header fields up to the empty line behind them.
func (h *headReader) fields() ([]field, error) {
	var list []field
	var name []byte // a line without a colon is the beginning of the next one's name
	for {
		c, err := h.next()
		if err != nil {
			return nil, err
		}
		if c == '\r' || c == '\n' {
			if c == '\r' {
				_, err = h.next()
			}
			if len(name) > 0 {
				list = append(list, field{name: string(name)})
			}
			return list, err
		}
		for ; isNameByte(c); c, err = h.next() {
			name = append(name, c)
		}
		switch {
		case err != nil:
			return nil, err
		case c == ':':
			value, err := h.value()
			if err != nil {
				return nil, err
			}
			list = append(list, field{string(name), value})
			name = name[:0]
		case c == '\r':
			if _, err := h.next(); err != nil {
				return nil, err
			}
		case c != '\n':
			return nil, errMalformed
		}
	}
}

// value reads a field's value and the line's end. What follows a carriage return is taken for the line feed.
func (h *headReader) value() (string, error) {
	c, err := h.blanks()
	var value []byte
	for ; err == nil && c != '\r' && c != '\n'; c, err = h.next() {
		value = append(value, c)
	}
	if err == nil && c == '\r' {
		_, err = h.next()
	}
	return string(value), err
}

// isNameByte reports whether a field's name may hold c. php takes spaces, and so a folded line for a field of its own.
func isNameByte(c byte) bool {
	return c >= ' ' && c < 0x7f && !strings.ContainsRune("(),:;<=>?@[\\]{}", rune(c))
}

// framing finds out how long the body is.
func (h *head) framing() error {
	for _, f := range h.fields {
		switch strings.ToLower(strings.TrimRight(f.name, " ")) {
		case "content-length":
			digits := strings.ReplaceAll(f.value, " ", "")
			if digits == "" {
				continue
			}
			n, err := strconv.ParseUint(digits, 10, 63)
			if err != nil {
				return errMalformed
			}
			h.length = int64(n)
		case "transfer-encoding":
			if strings.EqualFold(strings.TrimRight(f.value, " "), "chunked") {
				h.chunked = true
			}
		}
	}
	return nil
}

// variables returns the fields twice: by their names in lower case, and by their names as they were sent. A repeated
// field's values are joined, except Set-Cookie's, of which the last one counts.
func (h *head) variables() (lower, sent []sapi.Variable) {
	var lowerNames, sentNames index
	for _, f := range h.fields {
		name, value := strings.ToLower(f.name), f.value
		if i, ok := lowerNames[name]; ok && name != "set-cookie" {
			value = lower[i].Value + ", " + value
		}
		lower = lowerNames.set(lower, name, value)
		sent = sentNames.set(sent, f.name, value)
	}
	return lower, sent
}

// index says where a name is in a list.
type index map[string]int

// set sets the value of the name in the list.
func (x *index) set(list []sapi.Variable, name, value string) []sapi.Variable {
	if i, ok := (*x)[name]; ok {
		list[i].Value = value
		return list
	}
	if *x == nil {
		*x = index{}
	}
	(*x)[name] = len(list)
	return append(list, sapi.Variable{Name: name, Value: value})
}

// Header returns a field's value by its name in lower case. It is empty if there is no such field.
func Header(list []sapi.Variable, name string) string {
	value, _ := LookupHeader(list, name)
	return value
}

// LookupHeader returns a field's value by its name in lower case, and reports whether there is such a field.
func LookupHeader(list []sapi.Variable, name string) (value string, found bool) {
	for _, v := range list {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}
