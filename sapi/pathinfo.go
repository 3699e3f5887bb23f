// Counterpart: sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c (init_request_info)

package sapi

import (
	"bytes"
	"net/url"
)

// fix is cgi.fix_pathinfo=1: where the script's path is not a file, the longest leading part of it that is one is the
// script, and the rest is PATH_INFO.
func (w *pathWork) fix() {
	redirectURL := w.get("REDIRECT_URL")
	root := w.get("DOCUMENT_ROOT")
	if root == nil && w.rules.DocRoot != "" {
		root = []byte(w.rules.DocRoot)
		w.set("DOCUMENT_ROOT", root)
	}
	w.named = w.scriptName
	if !w.apache && w.pathTranslated != nil && redirectURL != nil && !bytes.Equal(w.pathTranslated, w.script) {
		// Apache's Action: SCRIPT_FILENAME and SCRIPT_NAME are the PHP program's own.
		w.script = w.pathTranslated
		w.named = redirectURL
		w.redirected = true
	}
	if len(w.script) > 0 && (w.script[len(w.script)-1] == '/' || !w.exists(w.script)) {
		w.split(root)
		return
	}
	if w.scriptFilename == nil || !bytes.Equal(w.script, w.scriptFilename) {
		w.keep("SCRIPT_FILENAME", w.scriptFilename)
		w.set("SCRIPT_FILENAME", w.script)
	}
	if !w.apache && redirectURL != nil {
		if w.pathInfo != nil {
			w.keep("PATH_INFO", w.pathInfo)
			w.set("PATH_INFO", nil)
		}
		if w.pathTranslated != nil {
			w.keep("PATH_TRANSLATED", w.pathTranslated)
			w.set("PATH_TRANSLATED", nil)
		}
	}
	if w.redirected {
		w.rename()
	}
	w.uri = w.named
}

func (w *pathWork) exists(path []byte) bool {
	exists, _ := w.rules.Stat(path)
	return exists
}

// keep remembers what a param was before it is changed.
func (w *pathWork) keep(name string, original []byte) {
	if original != nil {
		w.set("ORIG_"+name, original)
	}
}

// rename sets SCRIPT_NAME to what it was found to be.
func (w *pathWork) rename() {
	w.keep("SCRIPT_NAME", w.scriptName)
	w.set("SCRIPT_NAME", w.named)
}

// split goes back through the path, slash by slash, to a part that is a file.
func (w *pathWork) split(root []byte) {
	path := w.script
	found := false
	for part := path; !found; {
		slash := bytes.LastIndexByte(part, '/')
		if slash < 0 {
			slash = bytes.LastIndexByte(part, '\\')
		}
		if slash < 0 {
			break
		}
		part = part[:slash]
		if _, found = w.rules.Stat(part); found {
			w.splitAt(len(part), root)
		}
	}
	if !found {
		w.keep("SCRIPT_FILENAME", w.scriptFilename)
		w.set("SCRIPT_FILENAME", nil)
		w.script = nil
		w.notFound = true
	}
	if w.uri == nil {
		if w.scriptName == nil || !bytes.Equal(w.scriptName, w.named) {
			w.rename()
		}
		w.uri = w.named
	}
}

// splitAt makes the first n bytes of the path the script, and the rest PATH_INFO as far as it is not in it already.
func (w *pathWork) splitAt(n int, root []byte) {
	file, rest := w.script[:n:n], w.script[n:]
	pathInfo := w.pathInfo
	if w.apache {
		if len(rest) > 0 && !bytes.Equal(w.pathInfo, rest) {
			pathInfo = w.setPathInfo(rest, w.pathInfo)
		}
	} else if len(w.pathInfo) > len(rest) {
		// PATH_INFO is the whole URI's path: its head is the script's name.
		at := len(w.pathInfo) - len(rest)
		pathInfo = w.setPathInfo(w.pathInfo[at:], w.pathInfo[:at])
	}
	if w.scriptFilename == nil || !bytes.Equal(w.scriptFilename, file) {
		w.keep("SCRIPT_FILENAME", w.scriptFilename)
		w.set("SCRIPT_FILENAME", file)
	}
	w.script = file
	w.translate(file, pathInfo, root)
}

// setPathInfo sets PATH_INFO, and SCRIPT_NAME where the server's still has PATH_INFO in it. name is what the server's
// PATH_INFO says SCRIPT_NAME to be; nil if it says nothing. It returns PATH_INFO, which may have been decoded.
func (w *pathWork) setPathInfo(pathInfo, name []byte) []byte {
	if w.pathInfo != nil {
		w.keep("PATH_INFO", w.pathInfo)
		if w.scriptName == nil || !bytes.Equal(w.scriptName, name) {
			w.keep("SCRIPT_NAME", w.scriptName)
			w.set("SCRIPT_NAME", name)
		}
		w.uri = name
	} else if w.apache && w.named != nil {
		decoded := pathInfo
		if !w.rules.DecodePath {
			decoded = rawURLDecode(pathInfo)
		}
		w.cutScriptName(pathInfo, decoded)
		if w.rules.DecodePathInfo {
			pathInfo = text(decoded)
		}
	}
	w.set("PATH_INFO", pathInfo)
	return pathInfo
}

// cutScriptName: with ProxyPass Apache cannot know PATH_INFO, so that SCRIPT_NAME ends in it, decoded or not.
func (w *pathWork) cutScriptName(pathInfo, decoded []byte) {
	for _, tail := range [...][]byte{pathInfo, decoded} {
		if len(w.named) > len(tail) && bytes.HasSuffix(w.named, tail) {
			w.named = w.named[:len(w.named)-len(tail)]
			w.rename()
			w.uri = w.named
			return
		}
	}
}

// translate sets PATH_TRANSLATED: where PATH_INFO would be below the document root.
func (w *pathWork) translate(file, pathInfo, root []byte) {
	var base []byte
	switch {
	case root != nil:
		base = bytes.TrimSuffix(root, []byte{'/'})
	case w.named != nil && bytes.Contains(file, w.named):
		base = file[:len(file)-len(w.named)]
	default:
		return
	}
	w.keep("PATH_TRANSLATED", w.pathTranslated)
	w.set("PATH_TRANSLATED", append(append(make([]byte, 0, len(base)+len(pathInfo)), base...), pathInfo...))
}

// rawURLDecode is PHP's rawurldecode: what is not two hexadecimal digits behind a percent sign stays.
func rawURLDecode(b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			if c, err := url.PathUnescape(string(b[i : i+3])); err == nil {
				out = append(out, c...)
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}
