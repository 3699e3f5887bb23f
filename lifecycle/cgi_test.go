package lifecycle_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

// rulesInC reads cases as texts that end in NUL, and answers each in the same way. It is compiled together with the files that it tests.
const rulesInC = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cgi.h"

extern char **environ;

static char *next(void)
{
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, 0, stdin) <= 0) {
		exit(0);
	}
	return text;
}

static void say(const char *text)
{
	fwrite(text, 1, strlen(text) + 1, stdout);
}

static void find(void)
{
	char *rules = next(), **entry;
	struct cgi_rules r = {rules[0] == '1', rules[1] == '1', next()};
	struct engine_request request = {0};
	int count = atoi(next());

	clearenv();
	while (count-- > 0) {
		putenv(next());
	}
	cgi_find_script(&r, &request);
	say(request.script ? request.script : "");
	say(request.uri ? request.uri : "");
	say(request.content_type ? request.content_type : "none");
	printf("%d %lld %zu %zu%c", request.status, (long long)request.content_length, request.script_len, request.uri_len, 0);
	for (count = 0, entry = environ; entry && *entry; entry++) {
		count++;
	}
	printf("%d%c", count, 0);
	for (entry = environ; entry && *entry; entry++) {
		say(*entry);
	}
}

static void head(void)
{
	int status = atoi(next()), flags = atoi(next()), has_line = *next();
	char *line = next(), *lines = next(), *head;
	size_t len;

	head = cgi_make_head(status, has_line == '1' ? line : NULL, flags, lines, strlen(lines), &len);
	fwrite(head, 1, len, stdout);
	say("");
	free(head);
}

int main(void)
{
	for (;;) {
		if (*next() == 'S') {
			find();
		} else {
			head();
		}
		fflush(stdout);
	}
}
`

// ruler is the program above, which runs.
type ruler struct {
	t   *testing.T
	in  *bufio.Writer
	out *bufio.Reader
}

func newRuler(t *testing.T, dir string) ruler {
	program := compileC(t, rulesInC, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-ffunction-sections", "-Wl,--gc-sections", // without the answer, which needs PHP
		"cgi_request.c", "cgi_head.c", "start_text.c")
	cmd := exec.Command(program)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=0") // what the rules find out is for the process's life
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the rules in C ended by %v", err)
		}
	})
	return ruler{t, bufio.NewWriter(in), bufio.NewReader(out)}
}

func (r ruler) ask(texts ...string) {
	for _, text := range texts {
		r.in.WriteString(text + "\x00")
	}
	if err := r.in.Flush(); err != nil {
		r.t.Fatal(err)
	}
}

func (r ruler) answer() string {
	text, err := r.out.ReadString(0)
	if err != nil {
		r.t.Fatal(err)
	}
	return text[:len(text)-1]
}

// environment is a list of variables, changed as setenv and unsetenv do.
type environment struct{ list []sapi.Variable }

func (e *environment) index(name string) int {
	return slices.IndexFunc(e.list, func(v sapi.Variable) bool { return v.Name == name })
}

func (e *environment) Get(name string) []byte {
	if i := e.index(name); i >= 0 {
		return append([]byte{}, e.list[i].Value...)
	}
	return nil
}

func (e *environment) Set(name string, value []byte) {
	if i := e.index(name); i >= 0 {
		e.list[i].Value = string(value)
	} else {
		e.list = append(e.list, sapi.Variable{Name: name, Value: string(value)})
	}
}

func (e *environment) Delete(name string) {
	e.list = slices.DeleteFunc(e.list, func(v sapi.Variable) bool { return v.Name == name })
}

func pick(texts ...string) string { return texts[rand.IntN(len(texts))] }

// path is a random one, of which parts are there.
func path(dir string) string {
	text := pick(dir, dir, dir, dir+"/", "", "/", "/none", ".", `x\y`)
	for range rand.IntN(4) {
		text += pick("/a.php", "/a.php", "/sub", "/sub/b.php", "/more", "/", "//", "/.", "/..", `\`, "..", "/%0a", "\n", "/"+strings.Repeat("y", 5000))
	}
	return text
}

// A CGI program's rules are C's, and FastCGI's are Go's: they must be the same.
func TestScriptsOfCGIAreThoseOfFastCGI(t *testing.T) {
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "sub"), 0o755)
	for _, name := range []string{"a.php", "sub/b.php", "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := newRuler(t, dir)
	t.Chdir(dir)
	stat := func(path []byte) (exists, regular bool) {
		info, err := os.Stat(string(path))
		return err == nil, err == nil && info.Mode().IsRegular()
	}
	found := map[int]int{}
	for range 8000 {
		env := &environment{}
		script := path(dir)
		for name, values := range map[string][]string{
			"SCRIPT_FILENAME": {script, script, path(dir)}, "PATH_TRANSLATED": {script, path(dir), ""},
			"PATH_INFO": {"/more", "/a.php/more", path(""), ""}, "SCRIPT_NAME": {"/a.php", "/x", "a.php", path(""), ""},
			"REDIRECT_URL": {"/a.php", "", path("")}, "DOCUMENT_ROOT": {dir, dir + "/", "/", ""},
			"CONTENT_LENGTH": {"12", " -3x", "", "99999999999999999999", "+", "-99999999999999999999"}, "CONTENT_TYPE": {"", "text/plain"},
			"ORIG_PATH_INFO": {"kept"}, "REQUEST_METHOD": {"GET"},
		} {
			if rand.IntN(3) > 0 || name == "SCRIPT_FILENAME" && rand.IntN(10) > 0 {
				env.list = append(env.list, sapi.Variable{Name: name, Value: pick(values...)})
			}
		}
		rules := sapi.PathRules{FixPathInfo: rand.IntN(5) > 0, DiscardPath: rand.IntN(2) > 0, DocRoot: pick("", dir, dir+"/"), Stat: stat}
		bit := map[bool]string{true: "1", false: "0"}
		texts := []string{"S", bit[rules.FixPathInfo] + bit[rules.DiscardPath], rules.DocRoot, strconv.Itoa(len(env.list))}
		for _, v := range env.list {
			texts = append(texts, v.Name+"="+v.Value)
		}
		r.ask(texts...)

		want := rules.Resolve(env)
		status, length, contentType, none := 200, 0, string(env.Get("CONTENT_TYPE")), false
		if want.NotFound {
			status = 404
		}
		if length = sapi.Atoi(string(env.Get("CONTENT_LENGTH"))); len(env.Get("SCRIPT_FILENAME")) == 0 && len(env.Get("PATH_TRANSLATED")) == 0 && want.Filename == nil && !want.NotFound {
			none, length, contentType, want = true, 0, "none", sapi.ScriptPath{}
		}
		var lines, got []string
		lines = append(lines, string(want.Filename), string(want.URI), contentType,
			fmt.Sprintf("%d %d %d %d", status, length, len(want.Filename), len(want.URI)), strconv.Itoa(len(env.list)))
		for range 5 {
			got = append(got, r.answer())
		}
		count, _ := strconv.Atoi(got[4])
		for range count {
			got = append(got, r.answer())
		}
		for _, v := range env.list {
			lines = append(lines, v.Name+"="+v.Value)
		}
		slices.Sort(lines[5:])
		slices.Sort(got[5:])
		if !slices.Equal(got, lines) {
			t.Fatalf("%.3000q\nin C  %.3000q\nin Go %.3000q", texts, got, lines)
		}
		switch {
		case none:
			found[0]++
		case want.NotFound:
			found[404]++
		default:
			found[200]++
		}
	}
	if t.Logf("%v", found); found[0] < 30 || found[200] < 1000 || found[404] < 1000 {
		t.Errorf("not enough of each kind: %v", found)
	}
}

func TestHeadsOfCGIAreThoseOfFastCGI(t *testing.T) {
	r := newRuler(t, t.TempDir())
	check := func(status, flags int, line *string, headers ...string) {
		t.Helper()
		head := sapi.ResponseHead{Status: status}
		var lines string
		for _, header := range headers {
			head.Lines = append(head.Lines, []byte(header))
			lines += header + "\r\n"
		}
		has, text := "0", ""
		if line != nil {
			has, text, head.StatusLine = "1", *line, *line
		}
		r.ask("H", strconv.Itoa(status), strconv.Itoa(flags), has, text, lines)
		got, want := []byte(r.answer()), sapi.HeadRules{NPH: flags&1 != 0, RFC2616: flags&2 != 0}.AppendHead(nil, &head)
		if !bytes.Equal(got, want) {
			t.Fatalf("%d %d %v %q\nin C  %q\nin Go %q", status, flags, text, headers, got, want)
		}
	}
	for status := -1; status < 700; status++ {
		for flags := range 4 {
			check(status, flags, nil, "X-Powered-By: PHP", "Content-type: text/html")
		}
	}
	for range 20000 {
		var headers []string
		for range rand.IntN(5) {
			headers = append(headers, pick("Status: 404 Mine", "status:x", "Status:", "STATUS: 304", "Content-Type: a", "content-type:", "Content-type:b", "X: y", "X", "Location: /"))
		}
		var line *string
		if rand.IntN(2) > 0 {
			text := pick("HTTP/1.1 404 Gone Fishing", "HTTP/1.0 304", "http/2 200 OK", "HTTP/1.1", "FTP 304 x", "", " ", "HTTP/ ", "HTTP/1.1  304", "HTT 304",
				"HTTP/1.1 304x", "HTTP/1.1 99999999999999999999", "HTTP/1.1 200 "+strings.Repeat("x", 900+rand.IntN(300)))
			line = &text
		}
		check([]int{200, 200, 304, 404, 302, 500, 777}[rand.IntN(7)], rand.IntN(4), line, headers...)
	}
}
