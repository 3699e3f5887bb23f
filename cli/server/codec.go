package server

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/phpsapi/phpsapi/sapi"
)

// writer gathers texts, each after its length.
type writer []byte

func (w *writer) texts(texts ...string) {
	for _, text := range texts {
		*w = binary.AppendUvarint(*w, uint64(len(text)))
		*w = append(*w, text...)
	}
}

func (w *writer) list(texts []string) {
	*w = binary.AppendUvarint(*w, uint64(len(texts)))
	w.texts(texts...)
}

func (w *writer) variables(list []sapi.Variable) {
	*w = binary.AppendUvarint(*w, uint64(len(list)))
	for _, v := range list {
		w.texts(v.Name, v.Value)
	}
}

var errDamaged = errors.New("damaged message from the server")

// reader takes apart what writer gathered. It returns zeros once it has an error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) length() int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(len(r.rest)) {
		r.rest, r.err = nil, errDamaged
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

func (r *reader) text() string {
	n := r.length()
	if n > len(r.rest) {
		r.rest, r.err = nil, errDamaged
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *reader) number() int64 {
	n, err := strconv.ParseInt(r.text(), 10, 64)
	if err != nil {
		r.err = errDamaged
	}
	return n
}

func (r *reader) list() []string {
	var list []string
	for n := r.length(); n > 0 && r.err == nil; n-- {
		list = append(list, r.text())
	}
	return list
}

func (r *reader) variables() []sapi.Variable {
	var list []sapi.Variable
	for n := r.length(); n > 0 && r.err == nil; n-- {
		list = append(list, sapi.Variable{Name: r.text(), Value: r.text()})
	}
	return list
}
