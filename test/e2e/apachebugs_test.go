//go:build e2e

package e2e

import "strings"

func init() { apacheSetups = append(apacheSetups, apacheBugs...) }

// apacheBugs are what bug reports of the last years about mod_php have been about: php-src's by their numbers, and those of applications.
var apacheBugs = []setup{
	{
		name: "virtual() of a script that ends by an error, and an error after it", // php-src 17509
		files: map[string]string{
			".htaccess":  "php_value memory_limit 16M\nphp_flag display_errors on\nphp_flag html_errors off\n",
			"memory.php": "<?php echo 'memory '; $all = str_repeat('test', 16 << 20); echo 'unreached';", "throw.php": "<?php echo 'throw '; throw new Exception('inner');",
			"exit.php": "<?php echo 'exit '; exit('done ');", "parse.php": "<?php echo 'parse",
			"a.php": "<?php echo 'before '; virtual('/' . $_GET['what'] . '.php'); echo 'after '; if (isset($_GET['again'])) { virtual('/' . $_GET['what'] . '.php'); $all = str_repeat('test', 16 << 20); }",
			"b.php": "<?php register_shutdown_function(fn() => print 'shutdown'); virtual('/a.php?what=exit'); echo 'end';",
		},
		asks: []string{"GET /a.php?what=memory", "GET /a.php?what=memory&again", "GET /a.php?what=throw", "GET /a.php?what=throw&again", "GET /a.php?what=exit", "GET /a.php?what=exit&again",
			"GET /a.php?what=parse", "GET /b.php", "GET /vars.php"},
	},
	{
		name: "virtual() and the session's settings", // php-src 17655
		files: map[string]string{
			".htaccess": "php_value session.save_path ROOT/../../tmp\nphp_value session.name own\nphp_value session.serialize_handler php_serialize\nphp_flag display_errors on\nphp_flag html_errors off\n",
			"b.php":     "<?php virtual('/vars.php'); echo ini_get('session.name');", "session.php": "<?php session_id('e2evirtual'); session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo $_SESSION['n'];",
			"c.php": "<?php virtual('/session.php'); echo session_status(), isset($_SESSION) ? ' there' : ' none';",
		},
		asks: []string{"GET /b.php", "GET /session.php", "GET /c.php", "GET /session.php"},
	},
	{
		name: "virtual() of a directory, of itself, of what is not there, and of what may not be read",
		files: map[string]string{
			".htaccess": "DirectoryIndex index.php plain.txt\n<Files a.php>\nphp_flag display_errors on\nphp_flag html_errors off\n</Files>\n",
			"a.php":     "<?php header('X-Outer: 1'); var_dump(virtual($_GET['of'])); echo getcwd() == __DIR__ ? 'here' : getcwd();",
			"self.php":  "<?php static $n = 0; echo $GLOBALS['depth'] = ($GLOBALS['depth'] ?? 0) + 1, ' '; if ($GLOBALS['depth'] < 4) virtual('/self.php');", "dir/index.php": "<?php header('X-Inner: 1'); setcookie('inner', '1'); http_response_code(404); echo 'index ', $_SERVER['SCRIPT_NAME'];",
			"empty/x": "", "closed/.htaccess": "Require all denied\n", "closed/a.txt": "closed", "moved/.htaccess": "Redirect 302 /moved/a http://elsewhere.test/\n",
		},
		asks: []string{"GET /a.php?of=/dir/", "GET /a.php?of=/dir", "GET /a.php?of=dir/", "GET /a.php?of=/empty/", "GET /a.php?of=/nothing", "GET /a.php?of=/closed/a.txt", "GET /a.php?of=/moved/a", "GET /self.php",
			"GET /a.php?of=http://other.test/plain.txt", "GET /a.php?of=/plain.txt%3Fq", "GET /a.php?of=", "HEAD /a.php?of=/dir/"},
	},
	{
		name: "statuses without a body, compressed, on a connection that is kept", // php-src 8218, and applications
		files: map[string]string{
			"a.php":     "<?php http_response_code((int) $_GET['status']); header('ETag: \"e\"'); echo str_repeat('body ', 20000);",
			"gzip.php":  "<?php ob_start('ob_gzhandler'); http_response_code((int) $_GET['status']); echo str_repeat('body ', 200);",
			"zlib.php":  "<?php ini_set('zlib.output_compression', 1); http_response_code((int) $_GET['status']); echo str_repeat('body ', 200);",
			"flush.php": "<?php http_response_code((int) $_GET['status']); flush(); echo 'late';",
		},
		asks: []string{"GET /a.php?status=204", "GET /plain.txt", "GET /a.php?status=304", "GET /plain.txt", "GET /a.php?status=205", "GET /plain.txt",
			"GET /gzip.php?status=304\nAccept-Encoding: gzip", "GET /gzip.php?status=204\nAccept-Encoding: gzip", "HEAD /gzip.php?status=200\nAccept-Encoding: gzip", "GET /gzip.php?status=200\nAccept-Encoding: gzip",
			"GET /zlib.php?status=304\nAccept-Encoding: gzip", "GET /zlib.php?status=204\nAccept-Encoding: gzip", "HEAD /zlib.php?status=200\nAccept-Encoding: gzip", "GET /zlib.php?status=200\nAccept-Encoding: gzip",
			"GET /flush.php?status=304", "GET /flush.php?status=204", "GET /plain.txt"},
	},
	{
		name: "a length that the script has set", // Apache bug 68973: what httpd believes of it
		files: map[string]string{
			".htaccess": "SetEnvIf Request_URI trust ap_trust_cgilike_cl\n<If \"%{QUERY_STRING} =~ /deflate/\">\nSetOutputFilter DEFLATE\n</If>\n",
			"a.php":     "<?php header('Content-Length: ' . $_GET['length']); echo 'ten bytes.';",
			"trust.php": "<?php header('Content-Length: ' . $_GET['length']); echo 'ten bytes.';",
			"flush.php": "<?php header('Content-Length: ' . $_GET['length']); flush(); echo 'ten bytes.';",
			"twice.php": "<?php header('Content-Length: 3'); header('Content-Length: 10', false); echo 'ten bytes.';",
			"gone.php":  "<?php header('Content-Length: 3'); header_remove('Content-Length'); echo 'ten bytes.';",
		},
		asks: []string{"GET /a.php?length=10", "HEAD /a.php?length=10", "HEAD /trust.php?length=10", "GET /trust.php?length=10", "HEAD /a.php?length=4294967296", "HEAD /trust.php?length=4294967296", "HEAD /a.php?length=x", "HEAD /flush.php?length=10",
			"GET /flush.php?length=10", "GET /twice.php", "GET /gone.php", "HEAD /gone.php", "GET /a.php?length=10&deflate\nAccept-Encoding: gzip", "HEAD /a.php?length=10&deflate\nAccept-Encoding: gzip"},
	},
	{
		name: "ranges of what a script writes",
		files: map[string]string{
			"a.php": "<?php header('Content-Length: 26'); echo 'abcdefghijklmnopqrstuvwxyz';", "own.php": "<?php header('HTTP/1.1 206 Partial Content'); header('Content-Range: bytes 2-4/26'); header('Content-Length: 3'); echo 'cde';",
			"none.php": "<?php header('Accept-Ranges: none'); echo 'abcdefghijklmnopqrstuvwxyz';", "etag.php": "<?php header('ETag: \"one\"'); header('Last-Modified: Mon, 03 Feb 2020 04:05:06 GMT'); echo 'abcdefghijklmnopqrstuvwxyz';",
			"416.php": "<?php http_response_code(416); header('Content-Range: bytes */26');",
		},
		asks: []string{"GET /a.php\nRange: bytes=2-4", "GET /a.php\nRange: bytes=-3", "GET /a.php\nRange: bytes=0-1,4-5,20-", "GET /a.php\nRange: bytes=99-", "GET /own.php\nRange: bytes=2-4", "GET /none.php\nRange: bytes=2-4",
			"GET /etag.php\nRange: bytes=2-4\nIf-Range: \"one\"", "GET /etag.php\nRange: bytes=2-4\nIf-Range: \"two\"", "GET /etag.php\nIf-Modified-Since: Mon, 03 Feb 2020 04:05:06 GMT", "HEAD /a.php\nRange: bytes=2-4", "GET /416.php"},
	},
	{
		name: "a script that ends before the body of its request is read",
		files: map[string]string{
			".htaccess": "php_flag enable_post_data_reading off\n",
			"a.php":     "<?php echo 'unread'; exit;", "part.php": "<?php $in = fopen('php://input', 'r'); echo strlen(fread($in, 10)); exit;", "die.php": "<?php http_response_code(413); header('Connection: close'); die('too much');",
		},
		asks: []string{"POST /a.php\n\n" + aThousand + aThousand, "GET /plain.txt", "POST /part.php\n\n" + aThousand, "GET /plain.txt", "POST /a.php\nExpect: 100-continue\n\n" + aThousand, "GET /plain.txt",
			"POST /a.php HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\n5\r\nabcde\r\n0\r\n\r\n", "GET /plain.txt", "POST /die.php\n\n" + aThousand, "GET /plain.txt"},
	},
	{
		name: "what runs after the script",
		files: map[string]string{
			".htaccess": "php_flag display_errors on\nphp_flag html_errors off\n",
			"cwd.php":   "<?php register_shutdown_function(function () { echo getcwd() == __DIR__ ? 'here' : getcwd(), ' ', connection_status(), ' ', headers_sent() ? 'sent' : 'not sent'; header('X-Late: 1'); http_response_code(202); }); echo 'script ';",
			"own.php":   "<?php class Own { function __destruct() { echo 'destructed ', getcwd() == __DIR__ ? 'here' : 'elsewhere'; header('X-Destructed: 1'); } } $own = new Own; ob_start(fn($text) => strtoupper($text)); echo 'buffered ';",
			"time.php":  "<?php set_time_limit(1); register_shutdown_function(fn() => print 'shutdown'); while (true) {}",
			"call.php":  "<?php header_register_callback(function () { header('X-Called: 1'); header_remove('X-Gone'); }); header('X-Gone: 1'); echo 'called';",
			"error.php": "<?php ob_start(function ($text) { throw new Exception('in a buffer'); }); echo 'x';",
			"note.php":  "<?php register_shutdown_function(fn() => apache_note('own', 'late')); apache_note('own', 'early'); apache_setenv('OWN', 'script'); echo json_encode([apache_note('own'), apache_getenv('OWN')]);",
		},
		asks: []string{"GET /cwd.php", "GET /own.php", "GET /time.php", "GET /call.php", "GET /error.php", "GET /note.php", "HEAD /cwd.php"},
		want: []string{"note=late", "Maximum execution time of 1 second exceeded", "X-Called: 1"},
	},
	{
		name: "long and odd headers",
		files: map[string]string{
			".htaccess": "php_flag display_errors on\nphp_flag html_errors off\n",
			"big.php":   "<?php header('X-Big: ' . str_repeat('x', 20000)); for ($i = 0; $i < 60; $i++) setcookie(\"c$i\", str_repeat('v', 100)); echo strlen(implode(apache_response_headers())), ' ', count(headers_list());",
			"odd.php":   "<?php header(\"X-Odd: a\\nX-Injected: b\"); header(\"X-Zero: a\\0b\"); header('No colon'); header(': empty'); header('X-Empty:'); header('X-Space : a'); header(\"X-Fold: a\\r\\n b\"); header('Content-Type:'); header('Date: now'); header('Server: own'); header('Transfer-Encoding: own'); header('Vary: A'); header('Vary: B', false); echo json_encode(headers_list());",
			"no.php":    "<?php header('Content-Type: text/html; charset='); header('Location: /else', true, 201); echo 'created';",
			"gzip.php":  "<?php if (isset($_GET['no'])) apache_setenv('no-gzip', '1'); echo str_repeat('compress ', 100);",
		},
		conf: "<Files gzip.php>\nSetOutputFilter DEFLATE\n</Files>",
		asks: []string{"GET /big.php", "GET /odd.php", "GET /no.php", "GET /gzip.php\nAccept-Encoding: gzip", "GET /gzip.php?no\nAccept-Encoding: gzip"},
	},
}

// aThousand is a body of a thousand bytes.
var aThousand = strings.Repeat("0123456789", 100)
