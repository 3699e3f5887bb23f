// Counterpart: sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c (init_request_info, is_valid_path)

package sapi

import "bytes"

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

// ScriptPath is the outcome.
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
