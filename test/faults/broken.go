package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// brokenReload is a reload that cannot succeed.
type brokenReload struct {
	name  string
	stock bool                                            // php-fpm has the thing
	spoil func(s *service) (undo func() error, err error) // what php-fpm.conf, phpsapi.yaml and scripts had is restored by itself
	says  string                                          // what `phpsapi fpm reload` tells
}

// brokenReloads are all of them.
func brokenReloads() []brokenReload {
	conf := func(global, pool string) func(s *service) (func() error, error) {
		return func(s *service) (func() error, error) { return nil, s.configureWith(0, global, pool) }
	}
	pool := func(lines string) string {
		return "\n[another]\nuser = nobody\npm = static\npm.max_children = 1\n" + lines + "\n"
	}
	yaml := func(from, to string) func(s *service) (func() error, error) {
		return func(s *service) (func() error, error) { return nil, s.replaceInYAML(from, to) }
	}
	script := func(code string) func(s *service) (func() error, error) {
		return func(s *service) (func() error, error) {
			return nil, os.WriteFile(s.root()+"/app.php", []byte(code), 0o644)
		}
	}
	ini := func(text string) func(s *service) (func() error, error) {
		return func(s *service) (func() error, error) {
			file := s.dir + "/ini.d/99-zzz.ini"
			return func() error { return os.Remove(file) }, os.WriteFile(file, []byte(text), 0o644)
		}
	}
	inUse := func(use func(s *service, address string) error) func(s *service) (func() error, error) {
		return func(s *service) (func() error, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			return l.Close, use(s, l.Addr().String())
		}
	}
	return []brokenReload{
		{"php-fpm.conf: a directive that there is not", true, conf("", "pm.max_childen = 4\n"), "unknown entry"},
		{"php-fpm.conf: a value that is none", true, conf("", "pm.max_requests = many\n"), "not a valid number"},
		{"php-fpm.conf: a bracket is missing", true, conf("", "[another\n"), "syntax error"},
		{"php-fpm.conf: it is gone", true, func(s *service) (func() error, error) { return nil, os.Remove(s.conf()) }, "no such file"},
		{"php-fpm.conf: a directory is in its place", true, func(s *service) (func() error, error) {
			return func() error { return os.Remove(s.conf()) }, errors.Join(os.Remove(s.conf()), os.Mkdir(s.conf(), 0o755))
		}, "failed"},
		{"php-fpm.conf: a pool without pm", true, conf("", "\n[another]\nuser = nobody\nlisten = 127.0.0.1:1\n"), "pm"},
		{"php-fpm.conf: two pools with one address", true, func(s *service) (func() error, error) {
			return nil, s.configureWith(0, "", pool("listen = "+filepath.Join(s.dir, "fpm.sock")))
		}, "listen"},
		{"a user that there is not", true, conf("", "user = no_such_user\n"), "no_such_user"},
		{"a group that there is not", true, conf("", "group = no_such_group\n"), "no_such_group"},
		{"an address that is in use", true, inUse(func(s *service, address string) error {
			return s.configureWith(0, "", pool("listen = "+address))
		}), "in use"},
		{"the directory of a socket is missing", true, conf("", pool("listen = /nowhere/at/all.sock")), "/nowhere/at/all.sock"},
		{"the directory of the access log is missing", true, conf("", "access.log = /nowhere/at/all\n"), "/nowhere/at/all"},
		{"the directory of the slow log is missing", true, conf("", "slowlog = /nowhere/at/all\nrequest_slowlog_timeout = 1s\n"), "/nowhere/at/all"},
		{"the directory of the error log is missing", true, conf("error_log = /nowhere/at/all\n", ""), "/nowhere/at/all"},
		{"the directory of the pid file is missing", true, conf("pid = /nowhere/at/all\n", ""), "/nowhere/at/all"},
		{"the chroot is missing", true, conf("", pool("listen = 127.0.0.1:1\nchroot = /nowhere/at/all")), "/nowhere/at/all"},
		{"php.ini: a bracket is missing", true, ini("memory_limit = (1M\n"), "syntax error"},
		{"php.ini: an extension that there is not", true, ini("zend_extension=nowhere\n"), "nowhere"},
		{"worker script: an exception", false, script("<?php throw new Exception('no database');"), "no database"},
		{"worker script: a syntax error", false, script("<?php if ("), "could not be booted"},
		{"worker script: it exits", false, script("<?php exit(1);"), "could not be booted"},
		{"worker script: it is gone", false, func(s *service) (func() error, error) { return nil, os.Remove(s.root() + "/app.php") }, "app.php"},
		{"worker script: it crashes", false, script("<?php posix_kill(getmypid(), 11);"), "signal 11"},
		{"phpsapi.yaml: a bracket is missing", false, yaml("{", "{{{"), "phpsapi.yaml"},
		{"phpsapi.yaml: a setting that there is not", false, yaml("access_log", "acces_log"), "unknown setting"},
		{"HTTP: the root is missing", false, yaml("www'", "nowhere'"), "nowhere"},
		{"HTTP: an address that is in use", false, inUse(func(s *service, address string) error {
			return s.replaceInYAML(s.address, address)
		}), "in use"},
	}
}

// replaceInYAML changes the first such text in phpsapi.yaml.
func (s *service) replaceInYAML(from, to string) error {
	text, err := os.ReadFile(s.yaml())
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), from) {
		return fmt.Errorf("%q is not in %s", from, text)
	}
	return os.WriteFile(s.yaml(), []byte(strings.Replace(string(text), from, to, 1)), 0o644)
}

// restore writes the configuration and the scripts again.
func (s *service) restore() error { return errors.Join(s.configure(0), s.writeSite()) }
