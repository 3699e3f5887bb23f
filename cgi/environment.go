package cgi

import (
	"os"
	"path/filepath"

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
	return info
}

// statFile is PathRules.Stat on this machine.
func statFile(path []byte) (exists, regular bool) {
	info, err := os.Stat(filepath.Clean(string(path)))
	return err == nil, err == nil && info.Mode().IsRegular()
}
