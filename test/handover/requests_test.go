package handover_test

import (
	"os"
	"strings"
)

// dump is a script that shows what a request is to it.
const dump = `foreach ($_SERVER as $k => $v) { echo "$k=", is_array($v) ? json_encode($v) : $v, "\n"; }
	echo json_encode([$_GET, $_POST, $_COOKIE, getallheaders(), getcwd(), getenv('PATH_INFO'), PHP_SAPI, ini_get_all('cgi-fcgi')]);`

// requests are the requests of a site, by name. Those with options of their own need a zygote each, of which there are few: most such are
// in ordinary_test.go.
func requests(s *site) map[string]request {
	hello := s.script("hello.php", `echo "Hello, world\n";`)
	vars := s.script("vars.php", dump)
	os.Mkdir(s.path("sub"), 0o755)
	os.WriteFile(s.path("sub/.user.ini"), []byte("auto_prepend_file=hello.php\n"), 0o644)
	form := "Content"
	upload := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + strings.Repeat("z", 100000) + "\r\n--b--\r\n"
	lengths := s.script("lengths.php", `echo strlen(file_get_contents('php://stdin')), ' ', strlen(file_get_contents('php://input'));`)
	tooLong := []string{"-d", "post_max_size=1000"}
	return map[string]request{
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
		"nobody reads": {script: s.script("full.php", `echo str_repeat('x', 100000); file_put_contents('php://stderr', 'it continues');`),
			shell: "exec >/dev/full"},
		"large":        {script: s.script("large.php", `for ($i = 0; $i < 500; $i++) { echo str_repeat(chr(65 + $i % 26), 8192); }`)},
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
		"location":     {script: s.script("location.php", `header('Location: /elsewhere');`)},
		"see other":    {script: s.script("other.php", `header('Location: http://h/x', true, 303); echo 'x';`)},
		"named status": {script: s.script("named.php", `header('Status: 503 Busy'); header('status: 504 Twice', false); echo 'x';`)},
		"two statuses": {script: s.script("two.php", `header('HTTP/1.0 410 Gone Away'); header('Status: 200 Fine'); echo 'x';`)},
		"no http line": {script: s.script("ftp.php", `header('FTP/1.0 404 x'); header('Status:'); echo 'x';`)},
		"odd status":   {script: s.script("odd.php", `http_response_code(599); header('X:'); header('Y: ' . str_repeat('y', 70000)); echo 'x';`)},
		"304 by line":  {script: s.script("line304.php", `header('HTTP/1.1 304 Same'); header('ETag: x');`)},
		"head":         {script: vars, env: []string{"REQUEST_METHOD=HEAD"}},
		"put":          {script: lengths, body: "abc", env: []string{"REQUEST_METHOD=PUT", "CONTENT_LENGTH=3"}},
		"no method":    {script: vars, shell: "unset REQUEST_METHOD"},
		"exit 255":     {script: s.script("exit255.php", `exit(255);`)},
		"exit text":    {script: s.script("exittext.php", `exit('bye');`)},
		"in shutdown":  {script: s.script("late.php", `register_shutdown_function(function () { http_response_code(500); exit(9); });`)},
		"uncaught":     {script: s.script("uncaught.php", `ini_set('error_log', ''); throw new Exception('thrown');`)},
		"missing, 404": {script: s.path("none.php"), env: []string{"PATH_INFO=/none.php", "SCRIPT_NAME=/other"}},
		// What follows a file is PATH_INFO, as far as the web server's is longer.
		"path":                   {script: vars + "/more"},
		"path, no root":          {script: vars + "/more", shell: "unset DOCUMENT_ROOT", env: []string{"SCRIPT_NAME=/vars.php"}},
		"path, no name":          {script: vars + "/more", shell: "unset SCRIPT_NAME DOCUMENT_ROOT"},
		"path, long info":        {script: vars + "/more", env: []string{"PATH_INFO=/site/vars.php/more"}},
		"path, short info":       {script: vars + "/more", env: []string{"PATH_INFO=/m"}},
		"path, info of the file": {script: vars, env: []string{"PATH_INFO=/more", "PATH_TRANSLATED=" + s.dir + "/more"}},
		"path, newline":          {script: vars + "/\n", env: []string{"PATH_INFO="}},
		"path, root with slash":  {script: vars + "/a/b", env: []string{"DOCUMENT_ROOT=" + s.dir + "/", "PATH_INFO=/vars.php/a/b"}},
		"path, no file":          {script: s.dir + "/none/more/", env: []string{"PATH_INFO=/none/more/"}},
		"slash at the end":       {script: vars + "/"},
		"two slashes":            {script: vars + "//x", env: []string{"PATH_INFO=/vars.php//x"}},
		"slashes":                {script: strings.ReplaceAll(vars, "/", "//"), env: []string{"PATH_INFO=/x"}},
		"dot":                    {script: vars + "/.", env: []string{"PATH_INFO=/vars.php/."}},
		"dots":                   {script: vars + "/../vars.php"},
		"dots at the end":        {script: s.path("sub/..")},
		"dots in a name":         {script: s.script("a..b.php", `echo __FILE__;`)},
		"backslash":              {script: vars + `\more`, env: []string{"PATH_INFO=x"}},
		"backslash, no slash":    {script: `none\more`},
		"directory with slash":   {script: s.path("sub/")},
		"root":                   {script: "/"},
		"empty script":           {script: "", env: []string{"SCRIPT_NAME="}},
		"no script":              {shell: "unset SCRIPT_FILENAME"},
		"no script, path info":   {shell: "unset SCRIPT_FILENAME", env: []string{"PATH_INFO=/vars.php"}},
		"translated alone":       {shell: "unset SCRIPT_FILENAME", env: []string{"PATH_TRANSLATED=" + vars}},
		"translated, path":       {shell: "unset SCRIPT_FILENAME", env: []string{"PATH_TRANSLATED=" + vars + "/more", "PATH_INFO=/vars.php/more"}},
		"translated, empty":      {script: "", env: []string{"PATH_TRANSLATED="}},
		"Action":                 {script: "/usr/lib/cgi-bin/php-cgi", env: []string{"REDIRECT_URL=/vars.php/more", "PATH_TRANSLATED=" + vars + "/more", "PATH_INFO=/vars.php/more"}},
		"Action, missing":        {script: "/usr/lib/cgi-bin/php-cgi", env: []string{"REDIRECT_URL=/none.php", "PATH_TRANSLATED=" + s.path("none.php"), "PATH_INFO=/none.php"}},
		"Action, the same":       {script: vars, env: []string{"REDIRECT_URL=/vars.php", "PATH_TRANSLATED=" + vars, "PATH_INFO=/vars.php"}},
		"Action, empty":          {script: vars, env: []string{"REDIRECT_URL=", "PATH_TRANSLATED=", "PATH_INFO="}},
		"names that were kept":   {script: vars + "/more", env: []string{"ORIG_SCRIPT_FILENAME=x", "ORIG_PATH_INFO=y", "PATH_INFO=/vars.php/more"}},
		"proxy":                  {script: "proxy:fcgi://localhost" + vars},
		"odd length":             {script: lengths, body: "abc", env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH= +2x", "CONTENT_TYPE=text/plain"}},
		"negative length":        {script: lengths, body: "abc", env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=-2", "CONTENT_TYPE=text/plain"}},
		"no length":              {script: lengths, body: "abc", env: []string{"REQUEST_METHOD=POST", "CONTENT_TYPE=text/plain"}},
		"authorization":          {script: vars, env: []string{"HTTP_AUTHORIZATION=Digest username=x", "REMOTE_USER=u", "AUTH_TYPE=Digest"}},
		"httpoxy":                {script: s.script("proxy.php", `echo json_encode([getenv('HTTP_PROXY'), $_SERVER['HTTP_PROXY'] ?? null]);`), env: []string{"HTTP_PROXY=evil"}},
		"twice":                  {script: vars, shell: `[ "$AGAIN" ] || AGAIN=1 exec env SCRIPT_FILENAME="$SCRIPT_FILENAME" "$0" "$@"`},
		"directory":              {script: s.path("sub")},
		"dot dot":                {script: s.path("sub/../hello.php")},
		"shebang":                {script: s.write("shebang.php", "#!/usr/bin/php-cgi\n<?php echo __LINE__;")},
		"killed":                 {script: s.script("kill.php", `echo 'x'; flush(); posix_kill(getmypid(), 11);`)},
		"terminated":             {script: s.script("term.php", `posix_kill(getmypid(), 15);`)},
		"shutdown":               {script: s.script("shutdown.php", `register_shutdown_function(function () { echo 'after'; }); echo 'before ';`)},
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
		// CVE-2012-1823, CVE-2024-4577 and what came of them: a query string is not an option.
		"query -s":       {script: vars, env: []string{"QUERY_STRING=-s"}, args: []string{"-s"}},
		"query -d":       {script: vars, env: []string{"QUERY_STRING=-d+allow_url_include%3Don"}, args: []string{"-d", "allow_url_include=on"}},
		"query soft":     {script: vars, env: []string{"QUERY_STRING=%ADd+precision%3D3"}, args: []string{"\xadd", "precision=3"}},
		"query space":    {script: vars, env: []string{"QUERY_STRING=+-d+precision%3D3"}, args: []string{"", "-d", "precision=3"}},
		"query word":     {script: vars, env: []string{"QUERY_STRING=a+b"}, args: []string{"a", "b"}},
		"query zygote":   {script: vars, env: []string{"QUERY_STRING=--zygote+/tmp/evil"}, args: []string{"--zygote", "/tmp/evil"}},
		"query zygote2":  {script: vars, env: []string{"QUERY_STRING=--zygote-listen+/tmp/evil"}, args: []string{"--zygote-listen", "/tmp/evil"}},
		"not redirected": {script: hello, shell: "unset REDIRECT_STATUS"},
	}
}
