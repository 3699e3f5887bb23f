package status

import "strings"

// column is where values begin in the text format.
const column = len("max children reached: ")

func (s *Snapshot) text(full bool) []byte {
	n := &notation{text: appendPlain, said: appendPlain, dates: true}
	var b []byte
	line := func(f field) {
		b = append(b, f.name...)
		b = append(b, ':')
		b = append(b, strings.Repeat(" ", max(column-1-len(f.name), 1))...)
		b = append(n.append(b, f.value, s.Location), '\n')
	}
	for _, f := range s.poolFields() {
		line(f)
	}
	if full {
		for i := range s.Procs {
			b = append(b, "\n************************\n"...)
			for _, f := range s.procFields(&s.Procs[i]) {
				if f.name == "request uri" {
					f.name = "request URI"
				}
				line(f)
			}
		}
	}
	return b
}

func (s *Snapshot) html(full bool) []byte {
	n := &notation{text: appendMarkup, said: appendSaidMarkup, dates: true}
	b := []byte(`<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head><title>PHP-FPM Status Page</title></head>
<body>
<table>
`)
	for _, f := range s.poolFields() {
		b = append(b, "<tr><th>"+f.name+"</th><td>"...)
		b = append(n.append(b, f.value, s.Location), "</td></tr>\n"...)
	}
	b = append(b, "</table>\n"...)
	if full {
		b = append(b, "<table border=\"1\">\n<tr>"...)
		for _, name := range s.procNames() {
			b = append(b, "<th>"+name+"</th>"...)
		}
		b = append(b, "</tr>\n"...)
		for i := range s.Procs {
			b = append(b, "<tr>"...)
			for _, f := range s.procFields(&s.Procs[i]) {
				b = append(b, "<td>"...)
				b = append(n.append(b, f.value, s.Location), "</td>"...)
			}
			b = append(b, "</tr>\n"...)
		}
		b = append(b, "</table>"...)
	}
	return append(b, "</body></html>"...)
}

func (s *Snapshot) xml(full bool) []byte {
	n := &notation{text: appendMarkup, said: appendSaidMarkup}
	b := []byte("<?xml version=\"1.0\" ?>\n<status>\n")
	element := func(f field) {
		name := dashed(f.name)
		b = append(b, "<"+name+">"...)
		b = append(n.append(b, f.value, s.Location), "</"+name+">"...)
	}
	for _, f := range s.poolFields() {
		element(f)
		b = append(b, '\n')
	}
	if full {
		b = append(b, "<processes>\n"...)
		for i := range s.Procs {
			b = append(b, "<process>"...)
			for _, f := range s.procFields(&s.Procs[i]) {
				element(f)
			}
			b = append(b, "</process>\n"...)
		}
		b = append(b, "</processes>\n"...)
	}
	return append(b, "</status>"...)
}

func (s *Snapshot) json(full bool) []byte {
	n := &notation{text: appendJSON, said: appendSaidJSON, quoted: true}
	var b []byte
	object := func(fields []field) {
		b = append(b, '{')
		for i, f := range fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `"`+f.name+`":`...)
			b = n.append(b, f.value, s.Location)
		}
	}
	object(s.poolFields())
	if full {
		b = append(b, `, "processes":[`...)
		for i := range s.Procs {
			if i > 0 {
				b = append(b, ',')
			}
			object(s.procFields(&s.Procs[i]))
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func dashed(name string) string { return strings.ReplaceAll(name, " ", "-") }
