package handover_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a script finds, says and leaves must not tell whether a zygote's child ran it.
func TestSame(t *testing.T) {
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	hello := s.script("hello.php", `echo "Hello, world\n";`)
	vars := s.script("vars.php", `foreach ($_SERVER as $k => $v) { echo "$k=", is_array($v) ? json_encode($v) : $v, "\n"; }
		echo json_encode([$_GET, $_POST, $_COOKIE, getallheaders(), getcwd(), getenv('PATH_INFO'), PHP_SAPI, ini_get_all('cgi-fcgi')]);`)
	os.Mkdir(s.path("sub"), 0o755)
	os.WriteFile(s.path("sub/.user.ini"), []byte("auto_prepend_file=hello.php\n"), 0o644)
	form := "Content"
	upload := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + strings.Repeat("z", 100000) + "\r\n--b--\r\n"
	lengths := s.script("lengths.php", `echo strlen(file_get_contents('php://stdin')), ' ', strlen(file_get_contents('php://input'));`)
	tooLong := []string{"-d", "post_max_size=1000"}
	requests := map[string]request{
		"hello":      {script: hello},
		"vars":       {script: vars, env: []string{"QUERY_STRING=a=1&b[]=2", "HTTP_COOKIE=c=d", "EMPTY=", "HTTP_AUTHORIZATION=Basic YTpi"}},
		"path info":  {script: vars + "/more/path", env: []string{"PATH_INFO=/vars.php/more/path", "PATH_TRANSLATED=" + vars + "/more/path"}},
		"redirected": {script: "/usr/lib/cgi-bin/php-cgi", env: []string{"REDIRECT_URL=/vars.php", "PATH_TRANSLATED=" + vars, "PATH_INFO=/vars.php"}},
		"relative":   {script: "vars.php"},
		"user ini":   {script: s.script("sub/x.php", `echo "in sub\n";`)},
		"post": {script: vars, body: "x=1&y=" + form, env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=11",
			"CONTENT_TYPE=application/x-www-form-urlencoded"}},
		"short body": {script: vars, body: "x=1", env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=11",
			"CONTENT_TYPE=application/x-www-form-urlencoded"}},
		"upload": {script: s.script("upload.php", `echo json_encode([$_FILES['f']['size'], sha1_file($_FILES['f']['tmp_name'])]);`), body: upload,
			env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=" + itoa(len(upload)), "CONTENT_TYPE=multipart/form-data; boundary=b"}},
		"endless body": {script: vars, body: "x=1&y=2", env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=99999999999999999999",
			"CONTENT_TYPE=application/x-www-form-urlencoded"}},
		"post without a type":     {script: lengths, body: "x=1", env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=3"}},
		"post with an empty type": {script: lengths, body: "x=1", env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=3", "CONTENT_TYPE="}},
		"too long without a type": {script: lengths, body: upload, args: tooLong,
			env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=" + itoa(len(upload))}},
		"too long with an empty type": {script: lengths, body: upload, args: tooLong,
			env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=" + itoa(len(upload)), "CONTENT_TYPE="}},
		"nobody reads": {script: s.script("full.php", `echo str_repeat('x', 100000); file_put_contents('php://stderr', 'it goes on');`),
			shell: "exec >/dev/full"},
		"large":        {script: s.script("large.php", `for ($i = 0; $i < 2000; $i++) { echo str_repeat(chr(65 + $i % 26), 8192); }`)},
		"status":       {script: s.script("status.php", `http_response_code(404); header('X-A: 1'); header('X-A: 2', false); echo 'gone';`)},
		"status line":  {script: s.script("line.php", `header('HTTP/1.1 418 Teapot'); echo 'tea';`)},
		"rfc2616":      {script: s.script("rfc.php", `header('HTTP/1.1 404 Not There'); echo 'x';`), args: []string{"-d", "cgi.rfc2616_headers=1"}},
		"no content":   {script: s.script("304.php", `http_response_code(304);`)},
		"many headers": {script: s.script("headers.php", `for ($i = 0; $i < 3000; $i++) { header("X-$i: " . str_repeat('v', 100)); } echo 'x';`)},
		"no output":    {script: s.script("silent.php", ``)},
		"exit 3":       {script: s.script("exit.php", `echo 'x'; exit(3);`)},
		"fatal":        {script: s.script("fatal.php", `ini_set('display_errors', 1); ini_set('error_log', ''); ini_set('log_errors', 1); missing();`)},
		"syntax":       {script: s.script("syntax.php", `echo ;;) `)},
		"missing":      {script: s.path("none.php")},
		"directory":    {script: s.path("sub")},
		"dot dot":      {script: s.path("sub/../hello.php")},
		"shebang":      {script: s.write("shebang.php", "#!/usr/bin/php-cgi\n<?php echo __LINE__;")},
		"killed":       {script: s.script("kill.php", `echo 'x'; flush(); posix_kill(getmypid(), 11);`)},
		"terminated":   {script: s.script("term.php", `posix_kill(getmypid(), 15);`)},
		"shutdown":     {script: s.script("shutdown.php", `register_shutdown_function(function () { echo 'after'; }); echo 'before ';`)},
		"errors": {script: s.script("stderr.php", `file_put_contents('php://stderr', "to stderr\n"); error_log('logged');
			echo file_put_contents('php://stdout', 'raw'), "\n";`)},
		"limits": {script: s.script("limits.php", `echo json_encode(posix_getrlimit());`), shell: "ulimit -n 77; ulimit -t 55; ulimit -f 99"},
		"umask":  {script: s.script("umask.php", `printf('%o', umask());`), shell: "umask 0137"},
		"nice":   {script: s.script("nice.php", `echo pcntl_getpriority();`), shell: `[ "$NICED" ] || NICED=1 exec nice -n 5 "$0" "$@"`},
		"scheduler": {script: s.script("scheduler.php", `echo shell_exec('taskset -pc $$ | sed s/.*://; chrt -p $$ | sed -n s/.*policy://p');`),
			shell: `[ "$CHOSEN" ] || CHOSEN=1 exec taskset -c 0 chrt -b 0 "$0" "$@"`},
		"no stdin":  {script: s.script("stdin.php", `echo json_encode([fopen('php://stdin', 'r') !== false, file_get_contents('php://input')]);`), shell: "exec <&-"},
		"no stderr": {script: hello, shell: "exec 2>&-"},
		"signals": {script: s.script("signals.php", `echo json_encode(array_map('pcntl_signal_get_handler', [1, 2, 3, 10, 13, 15]));
			pcntl_sigprocmask(SIG_BLOCK, [], $old); echo json_encode($old);`), shell: "trap '' HUP USR1"},
		"child":      {script: s.script("fork.php", `if (!pcntl_fork()) { echo 'child '; exit(4); } pcntl_wait($st); echo pcntl_wexitstatus($st);`)},
		"command":    {script: s.script("command.php", `system('env -i sh -c "ulimit -n; umask; pwd"'); echo shell_exec('echo $HTTP_X_OWN');`)},
		"nph":        {script: s.script("nph.php", `ini_set('cgi.nph', 1); echo 'x';`)},
		"option":     {script: s.script("ini.php", `echo ini_get('precision');`), args: []string{"-d", "precision=3"}},
		"no ini":     {script: s.script("loaded.php", `echo json_encode([php_ini_loaded_file(), php_ini_scanned_files()]);`), args: []string{"-n"}},
		"unset vars": {script: hello, env: []string{"REDIRECT_STATUS_IS_SET=1"}},
		"usage":      {script: hello, args: []string{"-h"}},
		// CVE-2012-1823, CVE-2024-4577 and what came of them: a query string is no option.
		"query -s":       {script: vars, env: []string{"QUERY_STRING=-s"}, args: []string{"-s"}},
		"query -d":       {script: vars, env: []string{"QUERY_STRING=-d+allow_url_include%3Don"}, args: []string{"-d", "allow_url_include=on"}},
		"query soft":     {script: vars, env: []string{"QUERY_STRING=%ADd+precision%3D3"}, args: []string{"\xadd", "precision=3"}},
		"query space":    {script: vars, env: []string{"QUERY_STRING=+-d+precision%3D3"}, args: []string{"", "-d", "precision=3"}},
		"query word":     {script: vars, env: []string{"QUERY_STRING=a+b"}, args: []string{"a", "b"}},
		"query zygote":   {script: vars, env: []string{"QUERY_STRING=--zygote+/tmp/evil"}, args: []string{"--zygote", "/tmp/evil"}},
		"query zygote2":  {script: vars, env: []string{"QUERY_STRING=--zygote-listen+/tmp/evil"}, args: []string{"--zygote-listen", "/tmp/evil"}},
		"not redirected": {script: hello, shell: "unset REDIRECT_STATUS"},
	}
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			s := &site{t, s.dir}
			clean := func(o outcome) string {
				return strings.ReplaceAll(varying.ReplaceAllString(o.String(), ""), filepath.Base(stock), "php-cgi")
			}
			want := clean(s.run(stock, "", r))
			if got := clean(s.run(ours(), "", r)); name == "child" {
				want = got // stock's child says the head a second time
			} else if got != want {
				t.Fatalf("the ordinary way:\n%.2000s\nstock php-cgi:\n%.2000s", got, want)
			}
			var got outcome
			answer := func() bool { got = s.run(ours(), s.socket(), r); return got.handed }
			if ordinary[name] {
				if answer() {
					t.Error("it was handed over")
				}
			} else {
				s.await("the request was handed over", answer)
			}
			if clean(got) != want {
				t.Errorf("handed over:\n%.2000s\nthe ordinary way:\n%.2000s", clean(got), want)
			}
			if _, err := os.Lstat("/tmp/evil"); err == nil {
				t.Error("/tmp/evil was made")
			}
		})
	}
}

// ordinary are the requests that are not for a zygote.
var ordinary = map[string]bool{"usage": true, "not redirected": true}

func TestOpcacheIsWarm(t *testing.T) {
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("opcache.php", `echo opcache_get_status()['opcache_statistics']['hits'] ?? 'off';`)}
	s.warm(ours(), r)
	old := time.Now().Add(-time.Hour)
	os.Chtimes(r.script, old, old) // opcache leaves alone what was just written
	s.run(ours(), s.socket(), r)
	before := s.run(ours(), s.socket(), r)
	after := s.run(ours(), s.socket(), r)
	if !strings.Contains(before.out, "off") && before.out == after.out {
		t.Errorf("opcache's hits do not grow: %s, %s", before, after)
	}
	if strings.Contains(after.out, "off") {
		t.Error("opcache is off")
	}
}

// Who goes away takes the child along.
func TestClientIsKilled(t *testing.T) {
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("long.php", `file_put_contents('pid', getmypid()); while (true) { usleep(1000); }`)}
	s.warm(ours(), request{script: s.script("hello.php", `echo 1;`)})
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, syscall.SIGUSR1} {
		os.Remove(s.path("pid"))
		cmd := s.command(ours(), s.socket(), r)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		s.await("the script runs", func() bool { pid = number(s.path("pid")); return pid > 0 })
		if pid == cmd.Process.Pid {
			t.Fatal("it was not handed over")
		}
		cmd.Process.Signal(sig)
		cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v: the client ended by %v", sig, cmd.ProcessState)
		}
		s.await("the child is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	}
	// A script may have asked for the signal.
	caught := request{script: s.script("caught.php", `pcntl_async_signals(true); $go = true; pcntl_signal(SIGTERM, function () use (&$go) { $go = false; });
		file_put_contents('pid', getmypid()); while ($go) { usleep(1000); } echo 'caught';`)}
	os.Remove(s.path("pid"))
	cmd := s.command(ours(), s.socket(), caught)
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.await("the script runs", func() bool { return number(s.path("pid")) > 0 })
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "caught") {
		t.Errorf("%v: %s", err, out.String())
	}
}
