package cgi

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// environment is the request's variables: the process's own environment.
type environment struct{}

func (environment) Get(name string) []byte {
	value, set := os.LookupEnv(name)
	if !set {
		return nil
	}
	return []byte(value)
}

func (environment) Set(name string, value []byte) {
	os.Setenv(name, string(value))
}

func (environment) Delete(name string) {
	os.Unsetenv(name)
}

// byWebServer says whether a web server called: one of the variables that every one of them sets is there.
func byWebServer() bool {
	for _, name := range []string{"SERVER_SOFTWARE", "SERVER_NAME", "GATEWAY_INTERFACE", "REQUEST_METHOD"} {
		if _, set := os.LookupEnv(name); set {
			return true
		}
	}
	return false
}

// requestInfo is what the environment says of the request; the script's path is found by the rules given.
func requestInfo(rules *sapi.PathRules) sapi.RequestInfo {
	info := sapi.RequestInfo{Protocol: 1000, Status: 200}
	script := rules.Resolve(environment{})
	if script.NotFound {
		info.Status = 404
	}
	if os.Getenv("SCRIPT_FILENAME") == "" && os.Getenv("PATH_TRANSLATED") == "" && script.Filename == nil && !script.NotFound {
		return info
	}
	info.PathTranslated = string(script.Filename)
	info.URI = string(script.URI)
	info.Method = os.Getenv("REQUEST_METHOD")
	info.QueryString = os.Getenv("QUERY_STRING")
	info.ContentType = os.Getenv("CONTENT_TYPE")
	info.ContentLength = int64(sapi.Atoi(os.Getenv("CONTENT_LENGTH")))
	info.Cookie = os.Getenv("HTTP_COOKIE")
	info.Authorization = os.Getenv("HTTP_AUTHORIZATION")
	info.ServerName = os.Getenv("SERVER_NAME")
	info.DocumentRoot = os.Getenv("DOCUMENT_ROOT")
	return info
}

// phpSelf is PHP_SELF: the script's URL and what follows it.
func phpSelf(info *sapi.RequestInfo, fixPathInfo bool) string {
	if fixPathInfo {
		return info.URI + os.Getenv("PATH_INFO")
	}
	return info.URI
}

// headers are the request's header lines, from the variables that begin with HTTP_ (apache_request_headers()).
func headers() []sapi.Variable {
	var list []sapi.Variable
	for _, entry := range os.Environ() {
		name, value, found := strings.Cut(entry, "=")
		switch {
		case !found:
		case strings.HasPrefix(name, "HTTP_"):
			list = append(list, sapi.Variable{Name: headerName(name[5:]), Value: value})
		case name == "CONTENT_TYPE":
			list = append(list, sapi.Variable{Name: "Content-Type", Value: value})
		case name == "CONTENT_LENGTH":
			list = append(list, sapi.Variable{Name: "Content-Length", Value: value})
		}
	}
	return list
}

// headerName turns USER_AGENT into User-Agent: the letter behind an underline stays as it is, whatever it is.
func headerName(name string) string {
	header := []byte(name)
	for i := 1; i < len(header); i++ {
		switch c := header[i]; {
		case c == '_':
			header[i] = '-'
			i++
		case c >= 'A' && c <= 'Z':
			header[i] = c + 'a' - 'A'
		}
	}
	return string(header)
}

// statFile is PathRules.Stat on this machine.
func statFile(path []byte) (exists, regular bool) {
	info, err := os.Stat(filepath.Clean(string(path)))
	return err == nil, err == nil && info.Mode().IsRegular()
}
