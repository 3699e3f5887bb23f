package sapi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// testParams keeps params in their order, as fastcgi.Params does.
type testParams struct{ list []Variable }

func (p *testParams) find(name string) int {
	return slices.IndexFunc(p.list, func(v Variable) bool { return v.Name == name })
}

func (p *testParams) Get(name string) []byte {
	if i := p.find(name); i >= 0 {
		return []byte(p.list[i].Value)
	}
	return nil
}

func (p *testParams) Set(name string, value []byte) {
	if i := p.find(name); i >= 0 {
		p.list[i].Value = string(value)
		return
	}
	p.list = append(p.list, Variable{Name: name, Value: string(value)})
}

func (p *testParams) Delete(name string) {
	p.list = slices.DeleteFunc(p.list, func(v Variable) bool { return v.Name == name })
}

// parseParams reads "NAME=value NAME=value".
func parseParams(text string) *testParams {
	p := &testParams{}
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		p.list = append(p.list, Variable{Name: name, Value: value})
	}
	return p
}

func (p *testParams) String() string {
	var fields []string
	for _, v := range p.list {
		fields = append(fields, v.Name+"="+v.Value)
	}
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

// The files there are: /w/a.php, and the directories above it.
func testStat(path []byte) (exists, regular bool) {
	switch strings.TrimRight(string(path), "/") {
	case "/w/a.php":
		return !bytes.HasSuffix(path, []byte{'/'}), true
	case "", "/w":
		return true, false
	}
	return false, false
}

// What is expected was seen with php-fpm 8.2.36; fpm/worker compares the two themselves.
func TestScriptPath(t *testing.T) {
	fpm := PathRules{FixPathInfo: true, ServerQuirks: true, Stat: testStat}
	fpm83 := PathRules{FixPathInfo: true, ServerQuirks: true, DecodePathInfo: true, Stat: testStat}
	decoding := PathRules{FixPathInfo: true, ServerQuirks: true, DecodePathInfo: true, DecodePath: true, Stat: testStat}
	cgi := PathRules{FixPathInfo: true, Stat: testStat}
	plain := PathRules{ServerQuirks: true, Stat: testStat}
	for _, test := range []struct {
		name   string
		rules  PathRules
		params string
		want   string // file, uri, and the params that differ afterwards
	}{
		{"the file itself", fpm, "SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php", "/w/a.php /a.php"},
		{"nothing", fpm, "SCRIPT_NAME=/a.php", "- -"},
		{"nginx with PATH_INFO", fpm, "SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php PATH_INFO=/p DOCUMENT_ROOT=/w", "/w/a.php /a.php"},
		{"path info behind the file", fpm, "SCRIPT_FILENAME=/w/a.php/p SCRIPT_NAME=/x PATH_INFO=/a.php/p DOCUMENT_ROOT=/w/",
			"/w/a.php /a.php ORIG_PATH_INFO=/a.php/p ORIG_SCRIPT_FILENAME=/w/a.php/p ORIG_SCRIPT_NAME=/x PATH_INFO=/p PATH_TRANSLATED=/w/p SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php"},
		// PATH_INFO shorter than what follows the file: CVE-2019-11043.
		{"short path info", fpm, "SCRIPT_FILENAME=/w/a.php/long SCRIPT_NAME=/a.php PATH_INFO=/p", "/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/long PATH_TRANSLATED=/w/p SCRIPT_FILENAME=/w/a.php"},
		{"empty path info", fpm, "SCRIPT_FILENAME=/w/a.php/%0a SCRIPT_NAME=/a.php PATH_INFO=", "/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/%0a PATH_TRANSLATED=/w SCRIPT_FILENAME=/w/a.php"},
		{"mod_proxy_fcgi", fpm, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php/p?q SCRIPT_NAME=/a.php/p",
			"/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/p ORIG_SCRIPT_NAME=/a.php/p PATH_INFO=/p PATH_TRANSLATED=/w/p SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php"},
		{"mod_proxy_fcgi before php-cgi", cgi, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php SCRIPT_NAME=/a.php",
			"- /a.php ! ORIG_SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php"},
		{"mod_proxy_fcgi, encoded", fpm, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php/p%41 SCRIPT_NAME=/a.php/pA",
			"/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/p%41 ORIG_SCRIPT_NAME=/a.php/pA PATH_INFO=/p%41 PATH_TRANSLATED=/w/p%41 SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php"},
		{"mod_proxy_fcgi, encoded, 8.3", fpm83, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php/p%41%2i SCRIPT_NAME=/a.php/pA%2i",
			"/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/p%41%2i ORIG_SCRIPT_NAME=/a.php/pA%2i PATH_INFO=/pA%2i PATH_TRANSLATED=/w/pA%2i SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php"},
		{"mod_proxy_fcgi, encoded twice, 8.3", fpm83, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php/p%2541 SCRIPT_NAME=/x DOCUMENT_ROOT=/r",
			"/w/a.php /x ORIG_SCRIPT_FILENAME=/w/a.php/p%2541 PATH_INFO=/p%41 PATH_TRANSLATED=/r/p%41 SCRIPT_FILENAME=/w/a.php"},
		{"mod_proxy_fcgi, an encoded NUL, 8.3", fpm83, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php/p%00q SCRIPT_NAME=/a.php",
			"/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/p%00q PATH_INFO=/p PATH_TRANSLATED=/w/p SCRIPT_FILENAME=/w/a.php"},
		{"mod_proxy_fcgi with a PATH_INFO of its own, 8.3", fpm83, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/a.php/p%41 SCRIPT_NAME=/a.php PATH_INFO=/q",
			"/w/a.php /q ORIG_PATH_INFO=/q ORIG_SCRIPT_FILENAME=/w/a.php/p%41 ORIG_SCRIPT_NAME=/a.php PATH_INFO=/p%41 PATH_TRANSLATED=/w/p%41 SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/q"},
		{"an encoded script, 8.3", fpm83, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/%61.php SCRIPT_NAME=/a.php", "- /a.php ! ORIG_SCRIPT_FILENAME=/w/%61.php"},
		{"an encoded script, 8.5", decoding, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/%61.php SCRIPT_NAME=/a.php", "/w/a.php /a.php SCRIPT_FILENAME=/w/a.php"},
		{"path info encoded twice, 8.5", decoding, "SCRIPT_FILENAME=proxy:fcgi://h:9000/w/%61.php/p%2541 SCRIPT_NAME=/a.php/p%41",
			"/w/a.php /a.php ORIG_SCRIPT_FILENAME=/w/a.php/p%41 ORIG_SCRIPT_NAME=/a.php/p%41 PATH_INFO=/p%41 PATH_TRANSLATED=/w/p%41 SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php"},
		{"a path that is not Apache's, 8.5", decoding, "SCRIPT_FILENAME=/w/%61.php SCRIPT_NAME=/a.php", "- /a.php ! ORIG_SCRIPT_FILENAME=/w/%61.php"},
		{"Apache's Action", fpm, "SCRIPT_FILENAME=/bin/php SCRIPT_NAME=/php PATH_TRANSLATED=/w/a.php REDIRECT_URL=/a.php PATH_INFO=/a.php",
			"/w/a.php /a.php ORIG_PATH_INFO=/a.php ORIG_PATH_TRANSLATED=/w/a.php ORIG_SCRIPT_FILENAME=/bin/php ORIG_SCRIPT_NAME=/php SCRIPT_FILENAME=/w/a.php SCRIPT_NAME=/a.php"},
		{"missing", fpm, "SCRIPT_FILENAME=/w/b.php SCRIPT_NAME=/b.php", "- /b.php ! ORIG_SCRIPT_FILENAME=/w/b.php"},
		{"dot dot", fpm, "SCRIPT_FILENAME=/w/../w/a.php", "- - ! ORIG_SCRIPT_FILENAME=/w/../w/a.php"},
		{"without fix_pathinfo", plain, "SCRIPT_FILENAME=/w/b.php SCRIPT_NAME=/b.php PATH_INFO=/p PATH_TRANSLATED=/t", "/t /p"},
	} {
		t.Run(test.name, func(t *testing.T) {
			params := parseParams(test.params)
			before := parseParams(test.params)
			path := test.rules.Resolve(params)
			got := dash(path.Filename) + " " + dash(path.URI)
			if path.NotFound {
				got += " !"
			}
			params.list = slices.DeleteFunc(params.list, func(v Variable) bool { return slices.Contains(before.list, v) })
			if changed := params.String(); changed != "" {
				got += " " + changed
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func dash(b []byte) string {
	if b == nil {
		return "-"
	}
	return string(b)
}

// Whatever the server sends, what comes out is a part of what it sent, and the second time nothing more is found.
func FuzzRequestInfo(f *testing.F) {
	f.Add("/w/a.php/p", "/x", "/a.php/p", "", "", "/w/", byte(3))
	f.Add("proxy:fcgi://h/w/a.php/p%20?q", "/a.php/p ", "", "", "", "", byte(3))
	f.Add("/bin/php", "/php", "/a.php", "/w/a.php", "/a.php", "", byte(7))
	f.Add("/w/a.php/\x00p", "/a.php", "", "/w/a.php/x", "\\", "/", byte(0))
	f.Fuzz(func(t *testing.T, filename, name, info, translated, redirect, root string, flags byte) {
		p := &testParams{}
		for i, v := range []Variable{{"SCRIPT_FILENAME", filename}, {"SCRIPT_NAME", name}, {"PATH_INFO", info},
			{"PATH_TRANSLATED", translated}, {"REDIRECT_URL", redirect}, {"DOCUMENT_ROOT", root}} {
			if v.Value != "" || flags>>(i%8)&1 != 0 {
				p.list = append(p.list, v)
			}
		}
		rules := PathRules{FixPathInfo: flags&1 != 0, DiscardPath: flags&2 != 0, ServerQuirks: flags&4 == 0, Stat: testStat}
		given := fmt.Sprint(filename, translated)
		path := rules.Resolve(p)
		if path.Filename != nil && !strings.Contains(given, string(path.Filename)) {
			t.Errorf("%q is not of %q", path.Filename, given)
		}
		if bytes.IndexByte(path.Filename, 0) >= 0 || hasDotDot(path.Filename) {
			t.Errorf("file %q", path.Filename)
		}
	})
}
