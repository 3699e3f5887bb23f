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
func byWebServer(variables sapi.Params) bool {
	for _, name := range [...]string{"SERVER_SOFTWARE", "SERVER_NAME", "GATEWAY_INTERFACE", "REQUEST_METHOD"} {
		if variables.Get(name) != nil {
			return true
		}
	}
	return false
}

// requestInfo is what the variables say of the request; the script's path is found by the rules given.
func requestInfo(rules *sapi.PathRules, variables sapi.Params) sapi.RequestInfo {
	get := func(name string) string { return string(variables.Get(name)) }
	info := sapi.RequestInfo{Protocol: 1000, Status: 200}
	script := rules.Resolve(variables)
	if script.NotFound {
		info.Status = 404
	}
	if get("SCRIPT_FILENAME") == "" && get("PATH_TRANSLATED") == "" && script.Filename == nil && !script.NotFound {
		return info
	}
	info.PathTranslated = string(script.Filename)
	info.URI = string(script.URI)
	info.Method = get("REQUEST_METHOD")
	info.QueryString = get("QUERY_STRING")
	info.ContentType, info.HasContentType = get("CONTENT_TYPE"), true // php-cgi takes a missing one for an empty one
	info.ContentLength = int64(sapi.Atoi(get("CONTENT_LENGTH")))
	info.Cookie = get("HTTP_COOKIE")
	info.Authorization = get("HTTP_AUTHORIZATION")
	info.ServerName = get("SERVER_NAME")
	info.DocumentRoot = get("DOCUMENT_ROOT")
	return info
}

// phpSelf is PHP_SELF: the script's URL and what follows it.
func phpSelf(info *sapi.RequestInfo, fixPathInfo bool, variables sapi.Params) string {
	if fixPathInfo {
		return info.URI + string(variables.Get("PATH_INFO"))
	}
	return info.URI
}

// headers are the request's header lines, from those of the variables, such as NAME=VALUE, that begin with HTTP_
// (apache_request_headers()).
func headers(variables []string) []sapi.Variable {
	var list []sapi.Variable
	for _, entry := range variables {
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
