package server

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed mime.types
var mimeTypes string

// types has the media type for each extension, in lower case.
var types = sync.OnceValue(func() map[string]string {
	table := map[string]string{}
	for line := range strings.Lines(mimeTypes) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		for _, ending := range words[1:] {
			table[ending] = words[0]
		}
	}
	return table
})

// contentType is the Content-Type of a file by its name's ending; empty if it is not known.
func contentType(ending string) string {
	t := types()[strings.ToLower(ending)]
	if strings.HasPrefix(t, "text/") {
		t += "; charset=UTF-8"
	}
	return t
}
