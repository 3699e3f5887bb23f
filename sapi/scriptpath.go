// Counterpart: sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c (init_request_info, is_valid_path)

package sapi

import (
	"bytes"
	"net/url"
)

// Params are the variables of a CGI or FastCGI request. A value that is absent is nil; an empty one is not. Slices stay
// as they are until the request ends, whatever is set meanwhile. fastcgi.Params is one.
type Params interface {
	Get(name string) []byte
	Set(name string, value []byte)
	Delete(name string)
}

// PathRules decide which file a request is for, and what its SCRIPT_NAME, PATH_INFO and PATH_TRANSLATED are. They are
// a worker's for life.
type PathRules struct {
	FixPathInfo bool   // cgi.fix_pathinfo
	DiscardPath bool   // cgi.discard_path
	DocRoot     string // doc_root
	// ServerQuirks takes back what IIS does to PATH_INFO and Apache's mod_proxy_fcgi and mod_proxy_balancer to
	// SCRIPT_FILENAME. php-fpm does, php-cgi does not.
	ServerQuirks bool
	// DecodePathInfo decodes the PATH_INFO that is found in a path from mod_proxy_fcgi. php-fpm does since 8.3.
	DecodePathInfo bool
	// DecodePath decodes the whole path from mod_proxy_fcgi, which is not encoded any more then. It is php-fpm's
	// fastcgi.script_path_encoded=0, since 8.5.
	DecodePath bool
	// Stat reports whether there is a file of this path, and whether it is a regular one.
	Stat func(path []byte) (exists, regular bool)
}

// ScriptPath is the outcome of PathRules.Resolve.
type ScriptPath struct {
	// Filename is the script's file; nil if the request names no script that could be opened.
	Filename []byte
	// URI is what PHP calls request_uri: SCRIPT_NAME as a rule. It may be nil.
	URI []byte
	// NotFound says that no part of the path was a file: the status is 404 from the start.
	NotFound bool
}

// Resolve finds the script of a request, and sets the params that tell the script of it: those that it changes are
// kept under names that begin with ORIG_. Only the parts of a value before a NUL byte count, as in C.
func (r *PathRules) Resolve(params Params) ScriptPath {
	w := pathWork{rules: r, params: params}
	w.scriptFilename = w.get("SCRIPT_FILENAME")
	w.pathTranslated = w.get("PATH_TRANSLATED")
	w.script = w.scriptFilename
	if w.script == nil { // some servers set PATH_TRANSLATED alone
		w.script = w.pathTranslated
	}
	if w.script == nil {
		return ScriptPath{}
	}
	w.pathInfo = w.get("PATH_INFO")
	w.scriptName = w.get("SCRIPT_NAME")
	if r.ServerQuirks {
		w.undoIIS()
		w.undoProxy("proxy:fcgi://")
		w.undoProxy("proxy:balancer://")
		w.decodePath()
	}
	if r.FixPathInfo {
		w.fix()
	} else {
		w.uri = w.pathInfo
		if w.uri == nil {
			w.uri = w.scriptName
		}
		if !r.DiscardPath && w.pathTranslated != nil {
			w.script = w.pathTranslated
		}
	}
	result := ScriptPath{URI: w.uri, NotFound: w.notFound}
	if w.script != nil && !hasDotDot(w.script) {
		result.Filename = w.script
	}
	return result
}

// pathWork is a resolution in progress.
type pathWork struct {
	rules  *PathRules
	params Params

	scriptFilename, pathTranslated, pathInfo, scriptName []byte // the params of these names, as far as changed

	script     []byte // the file as it is known so far; nil: none
	named      []byte // SCRIPT_NAME as it is known so far
	uri        []byte
	apache     bool // SCRIPT_FILENAME came from mod_proxy_fcgi
	redirected bool // SCRIPT_FILENAME and SCRIPT_NAME are the PHP program's own, of Apache's Action
	notFound   bool
}

func (w *pathWork) get(name string) []byte {
	return text(w.params.Get(name))
}

// text is what C sees of a value: the part before a NUL byte.
func text(value []byte) []byte {
	if i := bytes.IndexByte(value, 0); i >= 0 {
		return value[:i]
	}
	return value
}

// set gives a param a value; nil removes it.
func (w *pathWork) set(name string, value []byte) {
	if value == nil {
		w.params.Delete(name)
		return
	}
	w.params.Set(name, value)
}

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

// rawURLDecode is PHP's rawurldecode: what is not two hexadecimal digits after a percent sign stays.
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

// undoIIS: IIS puts SCRIPT_NAME before PATH_INFO.
func (w *pathWork) undoIIS() {
	if w.scriptName == nil || w.pathInfo == nil || !bytes.HasPrefix(w.pathInfo, w.scriptName) ||
		!bytes.HasPrefix(w.get("SERVER_SOFTWARE"), []byte("Microsoft-IIS")) {
		return
	}
	w.set("ORIG_PATH_INFO", w.pathInfo)
	w.pathInfo = w.pathInfo[len(w.scriptName):]
	if len(w.pathInfo) == 0 {
		w.pathInfo = nil
	}
	w.set("PATH_INFO", w.pathInfo)
}

// undoProxy turns Apache's proxy:fcgi://localhost:9000/dir/info.php/test?a=b into /dir/info.php/test.
func (w *pathWork) undoProxy(prefix string) {
	name := w.scriptFilename
	if len(name) < len(prefix) || !bytes.EqualFold(name[:len(prefix)], []byte(prefix)) {
		return
	}
	if slash := bytes.IndexByte(name[len(prefix):], '/'); slash >= 0 {
		name = name[len(prefix)+slash:]
		w.apache = true
	}
	if query := bytes.IndexByte(name, '?'); query >= 0 {
		name = name[:query]
	}
	w.set("SCRIPT_FILENAME", name)
	w.scriptFilename, w.script = name, name
}

// decodePath decodes what Apache has left encoded.
func (w *pathWork) decodePath() {
	if w.apache && w.rules.DecodePath {
		name := text(rawURLDecode(w.scriptFilename))
		w.set("SCRIPT_FILENAME", name)
		w.scriptFilename, w.script = name, name
	}
}

// hasDotDot reports whether a segment of the path is "..": such a path is refused.
func hasDotDot(path []byte) bool {
	for from := 0; ; {
		i := bytes.Index(path[from:], []byte(".."))
		if i < 0 {
			return false
		}
		at := from + i
		if (at == 0 || path[at-1] == '/') && (at+2 == len(path) || path[at+2] == '/') {
			return true
		}
		from = at + 1
	}
}
