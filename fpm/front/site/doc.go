// Package site is what an answer to an HTTP request is made of, no matter which process answers: the front, by net/http, or a worker that speaks
// HTTP itself. It decides which site a request is for, and what a path is there: a script, a file, a redirection or an error; which
// files are never sent; who the client is behind trusted proxies. It makes the pages of errors and the ids of requests.
//
//	path, err := site.CleanPath(decoded)        // an error: 400
//	s := sites.Of(host, path)                   // nil: 404
//	if sites.IsInternal(host, path) {}          // 404
//	t := s.Present(now).Route(path)
//
// It opens no file but .htaccess, and knows nothing of connections. Nothing in it belongs to a request: a Site may be asked by many at
// once.
package site
