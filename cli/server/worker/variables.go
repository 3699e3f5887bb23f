package worker

import (
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/cli/server"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// variables is what the server adds to $_SERVER, in php's order.
func (w *worker) variables(t *server.Task) []sapi.Variable {
	list := make([]sapi.Variable, 0, 16+len(t.Headers))
	add := func(name, value string) { list = append(list, sapi.Variable{Name: name, Value: value}) }

	add("DOCUMENT_ROOT", string(w.settings.Root))
	colon := strings.LastIndexByte(t.Client, ':')
	add("REMOTE_ADDR", strings.Trim(t.Client[:colon], "[]"))
	add("REMOTE_PORT", t.Client[colon+1:])
	add("SERVER_SOFTWARE", lifecycle.ServerSoftware())
	add("SERVER_PROTOCOL", "HTTP/"+server.Version(t.Protocol))
	add("SERVER_NAME", string(w.settings.Host))
	add("SERVER_PORT", strconv.Itoa(w.settings.Port))
	add("REQUEST_URI", t.URI)
	add("REQUEST_METHOD", t.Method)
	if t.VPath != "" {
		add("SCRIPT_NAME", t.VPath)
	}
	switch {
	case t.File != "":
		add("SCRIPT_FILENAME", server.UntilNUL(t.File))
	case len(w.settings.Router) > 0:
		add("SCRIPT_FILENAME", string(w.settings.Router))
	}
	if t.PathInfo != "" {
		add("PATH_INFO", t.PathInfo)
		add("PHP_SELF", server.UntilNUL(t.VPath)+server.UntilNUL(t.PathInfo))
	} else if t.VPath != "" {
		add("PHP_SELF", t.VPath)
	}
	if t.Query != nil {
		add("QUERY_STRING", *t.Query)
	}
	for _, header := range t.Headers {
		name := variableName(header.Name)
		value := server.UntilNUL(header.Value)
		if name == "CONTENT_TYPE" || name == "CONTENT_LENGTH" {
			add(name, value)
		}
		add("HTTP_"+name, value)
	}
	return list
}

// variableName is a header's name in upper case, with underscores for dashes.
func variableName(header string) string {
	return strings.ReplaceAll(strings.ToUpper(header), "-", "_")
}
