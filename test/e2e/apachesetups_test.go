//go:build e2e

package e2e

import "strings"

// apacheSetups are virtual hosts and files .htaccess, as mod_php's users have them, and what its bug reports were about.
var apacheSetups = []setup{
	{
		name: "every variable, setting and header",
		conf: "<Directory ROOT>\nSetEnv OWN a\nPassEnv HOME\n</Directory>",
		asks: []string{
			"GET /vars.php", "GET /vars.php?a=b&c[]=d%20e\nCookie: f=g; h=i\nX-Own: own\nProxy: http://127.0.0.1:9/\nX_Odd: 1\nAccept: */*",
			"POST /vars.php/path%20info/%c3%bc?q\nContent-Type: application/x-www-form-urlencoded\n\nx=1&y[]=2", "GET /info.php", "HEAD /vars.php",
			"GET //vars.php", "GET /./vars.php", "GET /x/../vars.php", "GET /vars.php?-s", "GET /vars.php?a+b", "GET http://other.test/vars.php",
			"GET /vars.php HTTP/1.0", "GET /vars.php HTTP/1.0\nHost: HOST\nConnection: keep-alive", "GET /vars.php HTTP/1.1", "GET /vars%2ephp", "GET /vars.php%00x",
			"GET /vars.php%2Fx", "GET /VARS.php",
		},
		want: []string{`"apache2handler"`, "\nServer API => Apache 2", "Apache Environment", "PATH_INFO = \"/path info/ü\"", "User/Group => www-data"},
	},
	{
		name: "Debian's own settings",
		conf: `RemoveHandler .php
<FilesMatch ".+\.ph(?:ar|p|tml)$">
    SetHandler application/x-httpd-php
</FilesMatch>
<FilesMatch ".+\.phps$">
    SetHandler application/x-httpd-php-source
    Require all denied
</FilesMatch>
<FilesMatch "^\.ph(?:ar|p|ps|tml)$">
    Require all denied
</FilesMatch>`,
		files: map[string]string{"a.phar": "<?php echo 'phar';", "a.phtml": "<?php echo 'phtml';", "a.phps": "<?php echo 'phps';", ".php": "<?php echo 'dot';",
			"a.php.txt": "<?php echo 'txt';", "a.php5": "<?php echo 5;"},
		asks: []string{"GET /a.phar", "GET /a.phtml", "GET /a.phps", "GET /.php", "GET /a.php.txt", "GET /a.php5", "GET /vars.php/x.phar"},
		want: []string{"\nphtml\n", "403 Forbidden"},
	},
	{
		name:  "AddType in place of a handler",
		conf:  "RemoveHandler .php",
		files: map[string]string{".htaccess": "AddType application/x-httpd-php .php .html\nAddType application/x-httpd-php-source .phps\n", "a.html": "<p><?= 1 + 1 ?></p>", "a.phps": "<?php echo 1; // \"x\" ?>\n<b>&\n"},
		asks:  []string{"GET /vars.php", "GET /a.html", "GET /a.phps", "HEAD /a.phps", "GET /a.phps/path"},
		want:  []string{"<p>2</p>", "&lt;?php"},
	},
	{
		name:  "handlers by every name",
		files: map[string]string{".htaccess": "AddHandler php-script .own\nAddHandler php5-script .five\nAddHandler application/x-httpd-php .twice\n", "a.own": "<?php echo PHP_SAPI;", "a.five": "<?php echo 5;", "a.twice.txt": "<?php echo 'twice';", "a.php.bak": "<?php echo 'bak';", "a.php.en": "<?php echo 'en';", "noext": "<?php echo 'noext';"},
		conf:  "<Location /noext>\nSetHandler application/x-httpd-php\n</Location>",
		asks:  []string{"GET /a.own", "GET /a.five", "GET /a.twice.txt", "GET /a.php.bak", "GET /a.php.en", "GET /noext", "GET /noext/path"},
		want:  []string{"apache2handler\n", "bak"},
	},
	{
		name:   "values from all levels",
		global: "php_value arg_separator.output server\nphp_value docref_root server\nphp_admin_value docref_ext server\nphp_value assert.warning 1\n",
		conf: `php_value docref_root vhost
php_value user_agent vhost
php_admin_value error_append_string vhost
php_value error_append_string later
<Directory ROOT>
php_value user_agent directory
php_value docref_ext directory
</Directory>
<Files ini.php>
php_value from files
php_value auto_detect_line_endings 1
</Files>
<Location /deep>
php_value error_prepend_string location
</Location>
<If "%{QUERY_STRING} =~ /if/">
php_value user_agent if
</If>`,
		files: map[string]string{
			".htaccess":      "php_value error_prepend_string htaccess\nphp_value user_agent htaccess\nphp_value docref_ext htaccess\nphp_value error_append_string htaccess\n",
			"deep/.htaccess": "php_value user_agent deep\nphp_value error_prepend_string deep\n",
			"deep/ini.php":   sharedFiles["ini.php"],
		},
		asks: []string{
			"GET /ini.php?arg_separator-output&docref_root&docref_ext&user_agent&error_append_string&error_prepend_string&from&auto_detect_line_endings",
			"GET /deep/ini.php?docref_root&docref_ext&user_agent&error_append_string&error_prepend_string", "GET /ini.php?user_agent&if",
			"GET /info.php",
		},
		want: []string{`user_agent ["htaccess"`, `user_agent ["deep"`, `error_prepend_string ["location"`, `docref_ext ["server"`, `error_append_string ["htaccess"`, `user_agent ["if"`},
	},
	{
		name:  "flags",
		files: map[string]string{".htaccess": "php_flag display_errors On\nphp_flag html_errors 1\nphp_flag implicit_flush true\nphp_flag short_open_tag yes\nphp_flag ignore_user_abort oN\nphp_flag auto_globals_jit 2\nphp_flag log_errors Off\nphp_value memory_limit none\nphp_value user_agent None\n"},
		asks:  []string{"GET /ini.php?display_errors&html_errors&implicit_flush&short_open_tag&ignore_user_abort&auto_globals_jit&log_errors&memory_limit&user_agent"},
		want:  []string{`ignore_user_abort ["1"`, `implicit_flush ["0"`},
	},
	{
		name:  "an administrator's values stay",
		conf:  "php_admin_value open_basedir ROOT:/tmp\nphp_admin_value user_agent admin\nphp_admin_flag display_errors off\nphp_value memory_limit 64M\nphp_admin_value upload_tmp_dir /tmp",
		files: map[string]string{".htaccess": "php_value user_agent htaccess\nphp_flag display_errors on\nphp_value memory_limit 96M\n", "read.php": "<?php echo @file_get_contents('/etc/passwd') === false ? 'refused' : 'read'; echo error_get_last()['message'];"},
		asks:  []string{"GET /ini.php?user_agent=script&display_errors=1&memory_limit=80M&open_basedir=%2f&upload_tmp_dir=x", "GET /read.php", "GET /ini.php?user_agent"},
		want:  []string{`user_agent ["admin"`, `memory_limit ["96M"`, "refused", `set [false,"admin"]`},
	},
	{
		name:  "an administrator's value in .htaccess",
		files: map[string]string{"a/.htaccess": "php_admin_value user_agent x\n", "a/vars.php": "<?php echo 1;", "b/.htaccess": "php_admin_flag display_errors on\n", "b/vars.php": "<?php echo 1;"},
		asks:  []string{"GET /a/vars.php", "GET /b/vars.php"},
		want:  []string{"500 Internal Server Error", "php_admin_value not allowed here"},
	},
	{
		name: "what AllowOverride allows",
		conf: "<Directory ROOT/none>\nAllowOverride None\n</Directory>\n<Directory ROOT/files>\nAllowOverride FileInfo\n</Directory>\n<Directory ROOT/options>\nAllowOverride Options\n</Directory>\n<Directory ROOT/some>\nAllowOverride Options=Indexes\n</Directory>\n<Directory ROOT/list>\nAllowOverride None\nAllowOverrideList php_value\n</Directory>\n<Directory ROOT/nonfatal>\nAllowOverride Nonfatal=Override\n</Directory>",
		files: func() map[string]string {
			files := map[string]string{}
			for _, dir := range []string{"none", "files", "options", "some", "list", "nonfatal"} {
				files[dir+"/.htaccess"] = "php_value user_agent htaccess\n"
				files[dir+"/a.php"] = "<?php var_dump(ini_get('user_agent'));"
			}
			return files
		}(),
		asks: []string{"GET /none/a.php", "GET /files/a.php", "GET /options/a.php", "GET /some/a.php", "GET /list/a.php", "GET /nonfatal/a.php"},
		want: []string{"500 Internal Server Error", `string(8) "htaccess"`, "php_value not allowed here"},
	},
	{
		name:  "settings that a directory may not have, and that nobody knows",
		conf:  "php_admin_value disable_functions exec,system\nphp_admin_value expose_php 0\nphp_value nobody.knows it",
		files: map[string]string{".htaccess": "php_value disable_functions strlen\nphp_value enable_dl 0\nphp_value extension_dir /tmp\nphp_value max_input_vars 3\nphp_value date.timezone Nowhere/Land\nphp_value precision abc\nphp_value error_reporting E_ALL\n", "a.php": "<?php echo function_exists('exec') ? 'exec' : 'no exec', strlen('abc'), json_encode([$_GET, ini_get('precision'), date_default_timezone_get(), error_reporting()]);"},
		asks:  []string{"GET /a.php?a=1&b=2&c=3&d=4", "GET /ini.php?disable_functions&enable_dl&extension_dir"},
		want:  []string{"exec3"},
	},
	{
		name:  "the engine is off",
		conf:  "<Directory ROOT/admin>\nphp_admin_flag engine off\n</Directory>",
		files: map[string]string{"uploads/.htaccess": "php_flag engine off\n", "uploads/a.php": "<?php echo 'run';", "admin/.htaccess": "php_flag engine on\n", "admin/a.php": "<?php echo 'run';", "a.php": "<?php echo ini_get('engine'), 'run';", "b.php": "<?php ini_set('engine', 0); echo 'run', ini_get('engine');"},
		asks:  []string{"GET /a.php", "GET /uploads/a.php", "POST /uploads/a.php\n\nx", "GET /admin/a.php", "GET /b.php", "GET /a.php", "GET /uploads/a.php/path"},
		want:  []string{"1run", "<?php echo 'run';"},
	},
	{
		name:  "the handler is taken away",
		files: map[string]string{"uploads/.htaccess": "RemoveHandler .php\nRemoveType .php\n", "uploads/a.php": "<?php echo 'run';", "set/.htaccess": "SetHandler none\n", "set/a.php": "<?php echo 'run';", "force/.htaccess": "ForceType text/plain\nSetHandler default-handler\n", "force/a.php": "<?php echo 'run';"},
		asks:  []string{"GET /uploads/a.php", "GET /set/a.php", "GET /force/a.php"},
		want:  []string{"<?php echo 'run';"},
	},
	{
		name:  "xbithack",
		files: map[string]string{".htaccess": "php_flag xbithack on\n", "run.html": "<?php echo PHP_SAPI;", "not.html": "<?php echo PHP_SAPI;", "run.txt": "<?php echo PHP_SAPI;"},
		run:   []string{"run.html", "run.txt"},
		asks:  []string{"GET /run.html", "GET /not.html", "GET /run.txt", "HEAD /run.html", "GET /run.html/path"},
		want:  []string{"\napache2handler\n"},
	},
	{
		name:  "last_modified",
		files: map[string]string{".htaccess": "php_flag last_modified on\n", "a.php": "<?php echo 'a';", "own.php": "<?php header('Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT'); header('ETag: \"own\"'); echo 'own';", "off/.htaccess": "php_flag last_modified off\n", "off/a.php": "<?php echo 'a';"},
		asks:  []string{"GET /a.php", "GET /a.php\nIf-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT", "GET /a.php\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT", "GET /own.php", "GET /own.php\nIf-None-Match: \"own\"", "GET /off/a.php", "GET /a.php\nIf-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT", "GET /a.php\nRange: bytes=0-0"},
		want:  []string{"Last-Modified: Mon, 03 Feb 2020 04:05:06 GMT"},
	},
	{
		name:  "AcceptPathInfo",
		conf:  "<Directory ROOT/off>\nAcceptPathInfo Off\n</Directory>\n<Directory ROOT/on>\nAcceptPathInfo On\n</Directory>",
		files: map[string]string{"off/a.php": "<?php echo $_SERVER['PATH_INFO'];", "on/a.php": "<?php echo $_SERVER['PATH_INFO'], $_SERVER['PATH_TRANSLATED'];", "a.php": "<?php echo $_SERVER['PATH_INFO'];"},
		asks:  []string{"GET /off/a.php/path", "GET /on/a.php/path", "GET /a.php/path", "GET /a.php/a.php/b", "GET /plain.txt/path", "GET /on/a.php/%2e%2e/x", "GET /on/a.php//x//"},
		want:  []string{"404 Not Found", "/path"},
	},
	{
		name: "a front controller by mod_rewrite",
		files: map[string]string{".htaccess": `<IfModule mod_rewrite.c>
RewriteEngine On
RewriteBase /
RewriteRule ^index\.php$ - [L]
RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization},E=OWN:rewritten]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.php [L]
</IfModule>
`, "index.php": sharedFiles["vars.php"], "dir/x": ""},
		asks: []string{"GET /", "GET /some/page?x=1", "GET /some%20page\nAuthorization: Bearer token", "GET /plain.txt", "GET /dir/", "POST /form\nContent-Type: application/x-www-form-urlencoded\n\na=b", "GET /index.php/info", "GET /pl%c3%a4tze/", "GET /a%2fb"},
		want: []string{"REDIRECT_URL = \"/some/page\"", "REDIRECT_OWN"},
	},
	{
		name: "rewriting to PATH_INFO, to a query, to another host's name, to a handler",
		files: map[string]string{".htaccess": `RewriteEngine On
RewriteRule ^path/(.*)$ vars.php/$1 [L]
RewriteRule ^query/(.*)$ vars.php?q=$1 [QSA,L]
RewriteRule ^handler/(.*)$ $1 [H=application/x-httpd-php,L]
RewriteRule ^type/(.*)$ $1 [T=text/x-own,L]
RewriteRule ^gone - [G]
RewriteRule ^forbidden - [F]
RewriteRule ^elsewhere http://other.test/ [R=301,L]
RewriteRule ^legal - [R=451,L]
RewriteRule ^escape/(.*)$ vars.php?q=$1 [B,L]
`, "script": "<?php echo PHP_SAPI, $_SERVER['SCRIPT_NAME'];"},
		asks: []string{"GET /path/a/b?x", "GET /query/a?x=1", "GET /handler/script", "GET /type/vars.php", "GET /gone", "GET /forbidden", "GET /elsewhere", "GET /legal", "GET /escape/a%26b%3fc", "POST /query/a\n\nbody"},
		want: []string{`"/a/b"`, "'redirect:/script' not found", "410 Gone", "301 Moved"},
	},
	{
		name: "rewriting in the virtual host",
		conf: "RewriteEngine On\nRewriteRule ^/virtual/(.*)$ /vars.php/$1?host=%{HTTP_HOST} [PT,L]\nRewriteRule ^/file/(.*)$ ROOT/$1 [L]\nRewriteRule ^/loop$ /loop2 [L]\nRewriteRule ^/env - [E=OWN:value,E=!HTTP_ACCEPT]\nFallbackResource /vars.php",
		asks: []string{"GET /virtual/x?y", "GET /file/vars.php", "GET /env", "GET /loop", "GET /nothing/here?z"},
		want: []string{"host=s", "OWN = \"value\""},
	},
	{
		name: "ErrorDocument is a script",
		conf: "ErrorDocument 404 /error.php?code=404\nErrorDocument 403 /error.php\nErrorDocument 401 /error.php\nErrorDocument 500 /error.php\nErrorDocument 410 \"Gone away\"\n<Directory ROOT/closed>\nRequire all denied\n</Directory>",
		files: map[string]string{"error.php": sharedFiles["vars.php"] + "header('X-Own: error'); echo http_response_code();", "closed/x": "", "bad/.htaccess": "Nonsense\n", "bad/x": "", "own404.php": "<?php http_response_code(404); echo 'own';", "own500.php": "<?php http_response_code(500);", "fatal.php": "<?php missing();",
			"restored.php": "<?php http_response_code(404); header('Location: /x');"},
		asks: []string{"GET /missing?q=1", "GET /closed/x", "POST /missing\nContent-Type: application/x-www-form-urlencoded\n\na=b", "GET /bad/x", "HEAD /missing", "GET /missing.php", "GET /own404.php", "GET /own500.php", "GET /fatal.php", "GET /restored.php", "GET /plain.txt", "PUT /missing\n\nabc", "NONSENSE /plain.txt"},
		want: []string{"REDIRECT_STATUS = \"404\"", "404 Not Found", "\nown\n"},
	},
	{
		name:  "ErrorDocument is a script that changes the status",
		conf:  "ErrorDocument 404 /found.php\nErrorDocument 403 /moved.php",
		files: map[string]string{"found.php": "<?php http_response_code(200); echo 'found ', $_SERVER['REDIRECT_URL'];", "moved.php": "<?php header('Location: /plain.txt'); echo http_response_code();", ".htaccess": "<Files closed.txt>\nRequire all denied\n</Files>\n", "closed.txt": ""},
		asks:  []string{"GET /missing", "GET /closed.txt", "GET /missing\nIf-None-Match: *"},
		want:  []string{"HTTP/1.1 200 OK", "found /missing"},
	},
	{
		name:  "DirectoryIndex",
		files: map[string]string{"a/index.php": sharedFiles["vars.php"], "b/index.html": "html", "b/index.php": "<?php echo 'php';", "c/.htaccess": "DirectoryIndex missing.php first.php\n", "c/first.php": "<?php echo 'first', $_SERVER['PHP_SELF'], $_SERVER['REQUEST_URI'];", "d/x": "", "e/.htaccess": "DirectoryIndex /vars.php\n", "e/x": ""},
		asks:  []string{"GET /a/", "GET /a?x", "GET /b/", "GET /c/?q=1", "GET /d/", "GET /e/", "POST /a/\n\nx", "GET /a/index.php/"},
		want:  []string{"SCRIPT_NAME = \"/a/index.php\"", "first/c/first.php/c/?q=1"},
	},
	{
		name:  "aliases",
		conf:  "Alias /outside DIR/outside\nAliasMatch ^/match/(.*)$ ROOT/sub/$1\nScriptAlias /cgi-bin/ ROOT/cgi-bin/\n<Directory DIR/outside>\nRequire all granted\nphp_value user_agent outside\n</Directory>",
		files: map[string]string{"../../outside/vars.php": sharedFiles["vars.php"], "../../outside/ini.php": sharedFiles["ini.php"], "sub/vars.php": sharedFiles["vars.php"], "cgi-bin/a.php": "<?php echo PHP_SAPI;"},
		asks:  []string{"GET /outside/vars.php/info", "GET /outside/ini.php?user_agent", "GET /match/vars.php", "GET /cgi-bin/a.php", "GET /ini.php?user_agent"},
		want:  []string{"CONTEXT_PREFIX = \"/outside\"", `user_agent ["outside"`},
	},
	{
		name: "who the client is",
		conf: "<Directory ROOT/httpd>\nAuthType Basic\nAuthName \"a realm\"\nAuthUserFile ROOT/users\nRequire valid-user\n</Directory>\n<Directory ROOT/digest>\nAuthType Digest\nAuthName realm\nAuthUserFile ROOT/digests\nRequire valid-user\n</Directory>",
		// The password is "secret".
		files: map[string]string{"users": "somebody:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", "digests": "", "httpd/vars.php": sharedFiles["vars.php"], "digest/vars.php": sharedFiles["vars.php"],
			"who.php": "<?php echo json_encode([$_SERVER['PHP_AUTH_USER'] ?? null, $_SERVER['PHP_AUTH_PW'] ?? null, $_SERVER['PHP_AUTH_DIGEST'] ?? null, $_SERVER['AUTH_TYPE'] ?? null, $_SERVER['REMOTE_USER'] ?? null, $_SERVER['HTTP_AUTHORIZATION'] ?? null, getallheaders()['Authorization'] ?? null]);",
			"ask.php": "<?php if (!isset($_SERVER['PHP_AUTH_USER'])) { header('WWW-Authenticate: Basic realm=\"own\"'); http_response_code(401); echo 'who?'; } else { echo $_SERVER['PHP_AUTH_USER']; }"},
		asks: []string{"GET /httpd/vars.php", "GET /httpd/vars.php\nAuthorization: Basic c29tZWJvZHk6c2VjcmV0", "GET /httpd/vars.php\nAuthorization: Basic c29tZWJvZHk6d3Jvbmc=", "GET /digest/vars.php",
			"GET /who.php\nAuthorization: Basic c29tZWJvZHk6d2l0aDpjb2xvbg==", "GET /who.php\nAuthorization: Bearer abc", "GET /who.php\nAuthorization: Digest username=\"x\", realm=\"y\"", "GET /who.php\nAuthorization: basic c29tZWJvZHk6", "GET /who.php\nAuthorization: Basic ???", "GET /who.php\nAuthorization: Basic c29tZWJvZHk=", "GET /who.php", "GET /ask.php", "GET /ask.php\nAuthorization: Basic c29tZWJvZHk6c2VjcmV0"},
		want: []string{"REMOTE_USER = \"somebody\"", "with:colon", `401 Unauthorized`, "AUTH_TYPE = \"Basic\""},
	},
	{
		name: "server-side includes of scripts",
		files: map[string]string{".htaccess": "Options +Includes\nAddOutputFilter INCLUDES .shtml\nAddType text/html .shtml\n",
			"page.shtml":    "<!--#set var=\"own\" value=\"ssi\" -->before <!--#include virtual=\"part.php?x=1\" --> between <!--#include virtual=\"part.php/info\" --> <!--#include file=\"part.php\" --> <!--#echo var=\"SET\" --> after\n",
			"part.php":      "<?php header('X-Own: part'); apache_setenv('SET', 'by a part', true); echo '[', $_SERVER['QUERY_STRING'], $_SERVER['own'] ?? '-', $_SERVER['PATH_INFO'] ?? '', $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['DOCUMENT_URI'] ?? '', ']';",
			"out.php":       "<?php echo 'a <!--#echo var=\"OWN\" --> b <!--#include virtual=\"part.php\" --> c';",
			"sub/.htaccess": "SetOutputFilter INCLUDES\nSetEnv OWN env\n", "sub/out.php": "<?php echo 'a <!--#echo var=\"OWN\" --> b <!--#include virtual=\"/part.php\" --> c';",
			"missing.shtml": "<!--#include virtual=\"missing.php\" -->|<!--#include virtual=\"off/part.php\" -->", "off/.htaccess": "php_flag engine off\n", "off/part.php": "<?php"},
		asks: []string{"GET /page.shtml", "GET /out.php", "GET /sub/out.php", "GET /missing.shtml", "HEAD /page.shtml", "GET /page.shtml"},
		want: []string{"before [x=1", "after"},
	},
	{
		name: "virtual",
		// With them mod_php's warnings would show that it loses the directory's settings in virtual() of a file that PHP does not execute.
		conf: "php_value docref_root none\nphp_admin_value docref_ext none",
		files: map[string]string{
			"text.php":    "<?php echo 'a'; var_dump(virtual('/plain.txt')); echo 'b';",
			"script.php":  "<?php $GLOBALS['shared'] = 'outer'; header('X-Own: outer'); echo 'a'; var_dump(virtual('/inner.php?q=1')); echo $shared, ' ', json_encode($_GET), ' ', $_SERVER['PHP_SELF'], ' ', http_response_code();",
			"inner.php":   "<?php echo '[', isset($shared) ? $shared : 'none', ' ', json_encode($_GET), ' ', $_SERVER['PHP_SELF'], ' ', __FILE__, ' ', getcwd(), ']'; $shared = 'inner'; header('X-Inner: inner'); function inner() { return 1; }",
			"twice.php":   "<?php virtual('other.php'); virtual('other.php?x'); echo count(get_included_files());",
			"other.php":   "<?php echo '(other ', apache_getenv('QUERY_STRING'), ')';",
			"missing.php": "<?php ini_set('display_errors', 1); ini_set('html_errors', 0); var_dump(virtual('/nothing.txt')); var_dump(@virtual(''));",
			"deep.php":    "<?php $depth = ($depth ?? 0) + 1; echo $depth; if ($depth < 4) { virtual('/deep.php'); } echo $depth;",
			"exit.php":    "<?php echo 'a'; virtual('/exits.php'); echo 'not here?';", "exits.php": "<?php echo 'exits'; exit;",
			"throws.php": "<?php try { virtual('/thrower.php'); } catch (Exception $e) { echo 'caught ', $e->getMessage(); } echo ' on';", "thrower.php": "<?php throw new Exception('thrown');",
			"fatal.php": "<?php ini_set('display_errors', 1); virtual('/fatally.php'); echo 'on';", "fatally.php": "<?php missing();",
			"buffered.php": "<?php ob_start(); echo 'buffered '; virtual('/plain.txt'); echo ob_get_level(), 'after'; header('X-Late: x');",
			"include.php":  "<?php virtual('/page.shtml'); echo 'end';", "page.shtml": "[<!--#include virtual=\"/other.php\" -->]", ".htaccess": "Options +Includes\nAddOutputFilter INCLUDES .shtml\nAddType text/html .shtml\n",
			"dir.php": "<?php virtual('/sub/'); virtual('/sub'); echo 'end';", "sub/index.php": "<?php echo 'index ', ini_get('user_agent'), getcwd();", "sub/.htaccess": "php_value user_agent sub\n", "ua.php": "<?php virtual('/sub/index.php'); echo ' then ', ini_get('user_agent'), getcwd();",
			"status.php": "<?php echo 'a'; virtual('/sets.php'); echo http_response_code();", "sets.php": "<?php http_response_code(404); header('Content-Type: text/x-own'); echo 'b';",
			"shutdown.php": "<?php register_shutdown_function(function () { echo 'shutdown '; virtual('/plain.txt'); });",
		},
		asks: []string{"GET /text.php", "GET /script.php", "GET /twice.php", "GET /missing.php", "GET /deep.php", "GET /exit.php", "GET /throws.php", "GET /fatal.php", "GET /buffered.php", "GET /include.php", "GET /dir.php", "GET /ua.php", "GET /status.php", "GET /shutdown.php", "HEAD /text.php", "POST /script.php\nContent-Type: application/x-www-form-urlencoded\n\na=b", "GET /ua.php", "GET /text.php"},
		want: []string{"aplain\nbool(true)", "(other x)", "Unable to include", "123444"[:4]},
	},
	{
		name: "apache_lookup_uri",
		files: map[string]string{"a.php": `<?php foreach (['/plain.txt', '/vars.php/info?q=1', 'sub/', '/sub', 'rewritten', '/nothing', '../x', 'closed.txt', ''] as $uri) {
			$o = @apache_lookup_uri($uri);
			if ($o) { foreach ($o as $name => &$value) if (str_contains($name, 'time')) $value = gettype($value); }
			echo $uri, ' ', json_encode($o, JSON_UNESCAPED_SLASHES), ' ', error_get_last()['message'] ?? '', "\n"; error_clear_last(); }`, "sub/x": "", "closed.txt": "", ".htaccess": "RewriteEngine On\nRewriteRule ^rewritten plain.txt\n<Files closed.txt>\nRequire all denied\n</Files>\n"},
		asks: []string{"GET /a.php", "GET /a.php?x=y\nRange: bytes=0-1", "HEAD /a.php", "GET /a.php HTTP/1.0\nHost: HOST"},
		want: []string{`"status":200`, `"path_info":"/info"`},
	},
	{
		name: "notes and variables",
		conf: "SetEnv OWN vhost\nSetEnvIf Request_URI \"a\\.php\" BY_IF=yes !OWN2\nSetEnv FORCED 1\nUnsetEnv HOME\n<Directory ROOT>\nSetEnv OWN directory\n</Directory>",
		files: map[string]string{".htaccess": "SetEnv HTACCESS 1\nSetEnvIfNoCase User-Agent \"(own).*\" AGENT=$1\nHeader set X-Env \"%{SET}e %{OWN}e\"\n",
			"a.php": `<?php var_dump(apache_note('own'), apache_note('own', 'first'), apache_note('own', 'second'), apache_note('own'), apache_note('own', null), apache_note('empty', ''), apache_note('empty'));
				var_dump(apache_getenv('OWN'), apache_setenv('OWN', 'script'), apache_getenv('OWN'), apache_getenv('NOT'), getenv('OWN'), $_SERVER['OWN'], apache_setenv('SET', 'set', true), apache_getenv('SET', true), getenv('SET'), putenv('OWN=put'), getenv('OWN'), apache_getenv('OWN'), getenv('OWN', true));
				var_dump($_SERVER['BY_IF'] ?? null, $_SERVER['AGENT'] ?? null, $_SERVER['HTACCESS'] ?? null, getenv('BY_IF'), $_ENV);`,
			"wrong.php": "<?php ob_start(fn ($text) => preg_replace('~\\b(prefork|event|worker)\\b~', '(mpm)', $text)); foreach (['apache_note', 'apache_setenv', 'apache_getenv', 'virtual', 'apache_lookup_uri', 'apache_get_version', 'apache_get_modules', 'apache_request_headers', 'apache_response_headers', 'getallheaders'] as $f) { foreach ([[], ['a', 'b', 'c', 'd'], [[]], [\"a\\0b\"]] as $args) try { echo $f, ' ', json_encode(@$f(...$args)), ' '; } catch (Throwable $e) { echo get_class($e), ' ', $e->getMessage(), ' '; } echo (new ReflectionFunction($f)), \"\\n\"; } echo json_encode(array_diff(get_extension_funcs('apache2handler'), ['apache_child_terminate'])); // TestApacheOwn has it"},
		asks: []string{"GET /a.php\nUser-Agent: ownagent/1", "GET /a.php", "GET /wrong.php"},
		want: []string{"note=second", "env=script", "X-Env: set script", "ArgumentCountError"},
	},
	{
		name: "headers of the response",
		files: map[string]string{".htaccess": "Header set X-Set htaccess\nHeader append X-Own appended\nHeader always set X-Always 1\nHeader unset X-Unset\nHeader merge Cache-Control private\nHeader edit X-Edit a b\nHeader onsuccess unset X-Powered-By\n",
			"a.php":        "<?php header('X-Own: script'); header('X-Set: script'); header('X-Unset: script'); header('X-Edit: aaa'); header('Cache-Control: no-cache'); header('x-own: Lower'); header('X-Own: more', false); header('X-Gone: x'); header_remove('X-Gone'); header('Content-Language: de'); echo json_encode([headers_list(), apache_response_headers()]);",
			"all.php":      "<?php header('X-Own: a'); header_remove(); header('X-Then: b'); echo json_encode([headers_list(), apache_response_headers()]);",
			"cookies.php":  "<?php setcookie('a', '1'); setcookie('a', '2'); setcookie('b', '3', ['samesite' => 'Lax', 'path' => '/']); header('Set-Cookie: c=4'); echo json_encode(headers_list()), json_encode(apache_response_headers());",
			"odd.php":      "<?php @header('NoColon'); header('X-Empty:'); header('X-Space:   a  b  '); header('X-Tab:\tc'); @header(\"X-New\\r\\nLine: x\"); header('X-Umlaut: ü'); header('Date: Thu, 01 Jan 1970 00:00:00 GMT'); header('Server: own'); header('Connection: close'); echo json_encode(headers_list(), JSON_INVALID_UTF8_SUBSTITUTE);",
			"encoding.php": "<?php header('Transfer-Encoding: own'); echo 'own';",
			"sent.php":     "<?php ini_set('display_errors', 1); ini_set('html_errors', 0); echo str_repeat('x', 10); flush(); header('X-Late: 1'); var_dump(headers_sent($f, $l), basename($f), $l); http_response_code(404); var_dump(http_response_code());",
			"callback.php": "<?php header_register_callback(function () { header('X-Callback: ' . count(headers_list())); header_remove('X-Powered-By'); }); echo 'callback';"},
		asks: []string{"GET /a.php", "GET /all.php", "GET /cookies.php", "GET /odd.php", "GET /encoding.php", "GET /sent.php", "GET /callback.php", "HEAD /a.php"},
		want: []string{"X-Own: Lower, appended", "X-Always: 1", "Set-Cookie: c=4"},
	},
	{
		name: "headers of the request, changed by the server",
		conf: "RequestHeader set X-Set server\nRequestHeader unset X-Unset early\nRequestHeader append Accept text/own\nRequestHeader edit Cookie a b",
		asks: []string{"GET /vars.php\nX-Set: client\nX-Unset: client\nAccept: a/b\nCookie: a=1", "GET /vars.php\nX-Twice: 1\nX-Twice: 2\nX-Empty:\nX-Dash-And_Underscore: 1\nContent-Type: x/y", "GET /vars.php\nContent-Length: 0", "GET /vars.php\nX-Folded: a\n b"},
		want: []string{"HTTP_X_SET = \"server\"", "X-Set: server", "1, 2"},
	},
	{
		name: "statuses",
		files: map[string]string{"s.php": "<?php http_response_code((int) $_GET['s']); header('X-Own: x'); echo 'body ', http_response_code();",
			"line.php": "<?php header($_GET['l']); echo 'body ', http_response_code();", "location.php": "<?php header('Location: ' . $_GET['to'], true, (int) ($_GET['s'] ?? 0)); echo 'body';", "third.php": "<?php header('X-Own: y', true, 451); echo 'x';"},
		asks: func() []string {
			var asks []string
			for _, s := range strings.Fields("200 201 204 205 206 299 300 304 400 401 403 404 405 416 418 451 499 500 503 599 600 999") {
				asks = append(asks, "GET /s.php?s="+s)
			}
			for _, l := range []string{"HTTP/1.1%20404%20Not%20Here", "HTTP/1.0%20200%20Fine", "HTTP/1.1%20299", "HTTP/2%20200", "Status:%20404%20Nothing", "HTTP/1.1%20200%20", "HTTP/1.1%20abc%20x", "HTTP/1.1%20503%20Busy%20now"} {
				asks = append(asks, "GET /line.php?l="+l, "GET /plain.txt")
			}
			return append(asks, "GET /location.php?to=/x", "GET /location.php?to=x", "GET /location.php?to=http://other.test/&s=301", "GET /location.php?to=/x&s=201", "GET /location.php?to=/x&s=307", "GET /third.php", "HEAD /s.php?s=404", "HEAD /location.php?to=/x",
				"POST /location.php?to=/x\n\nx", "GET /location.php?to=/x HTTP/1.0\nHost: HOST")
		}(),
		want: []string{"HTTP/1.1 404 Not Here", "HTTP/1.1 418", "302 Found"},
	},
	{
		name: "types and character sets",
		conf: "<Directory ROOT/add>\nAddDefaultCharset ISO-8859-15\n</Directory>\n<Directory ROOT/force>\nForceType text/x-force\nSetHandler application/x-httpd-php\n</Directory>",
		files: map[string]string{"t.php": "<?php if (isset($_GET['t'])) header('Content-Type: ' . $_GET['t']); echo 'x';", "add/t.php": "<?php if (isset($_GET['t'])) header('Content-Type: ' . $_GET['t']); echo 'x';", "force/t.php": "<?php echo 'x';",
			"none/.htaccess": "php_value default_charset none\nphp_value default_mimetype text/own\n", "none/t.php": "<?php if (isset($_GET['t'])) header('Content-Type: ' . $_GET['t']); echo 'x';", "empty/.htaccess": "php_value default_mimetype none\n", "empty/t.php": "<?php echo 'x';", "set/.htaccess": "php_value default_charset latin1\n", "set/t.php": "<?php if (isset($_GET['t'])) header('Content-Type: ' . $_GET['t']); echo 'x';",
			"twice.php": "<?php header('Content-Type: a/b'); header('Content-Type: text/c'); echo json_encode([headers_list(), apache_response_headers()]);", "removed.php": "<?php header('Content-Type: a/b'); header_remove('Content-Type'); echo 'x';", "silent.php": "<?php"},
		asks: []string{"GET /t.php", "GET /t.php?t=text/plain", "GET /t.php?t=image/png", "GET /t.php?t=text/html;charset=x", "GET /t.php?t=", "GET /add/t.php", "GET /add/t.php?t=text/plain", "GET /add/t.php?t=image/png", "GET /force/t.php", "GET /none/t.php", "GET /none/t.php?t=text/plain", "GET /empty/t.php", "GET /set/t.php", "GET /set/t.php?t=text/css", "GET /twice.php", "GET /removed.php", "GET /silent.php"},
		want: []string{"Content-Type: text/html; charset=UTF-8", "Content-Type: text/own"},
	},
	{
		name: "compression and other filters of the output",
		files: map[string]string{".htaccess": "AddOutputFilterByType DEFLATE text/html text/plain\n", "a.php": "<?php echo str_repeat('compressible ', 500);", "png.php": "<?php header('Content-Type: image/png'); echo str_repeat('compressible ', 500);", "length.php": "<?php header('Content-Length: 12'); echo 'twelve bytes';", "flush.php": "<?php echo 'a'; flush(); echo 'b'; flush(); echo 'c';", "own.php": "<?php ini_set('zlib.output_compression', 1); echo str_repeat('own ', 500);", "handler.php": "<?php ob_start('ob_gzhandler'); echo str_repeat('handler ', 500);", "type.php": "<?php header('Content-Type: text/html'); header('Content-Type: image/png'); echo 'png';",
			"zlib/.htaccess": "php_flag zlib.output_compression on\nSetEnv no-gzip 1\n", "zlib/a.php": "<?php echo str_repeat('zlib ', 500);", "sub/.htaccess": "AddOutputFilterByType SUBSTITUTE text/html\nSubstitute \"s/before/after/\"\n", "sub/a.php": "<?php echo 'before'; flush(); echo ' before';", "sub/t.php": "<?php header('Content-Type: text/x'); echo 'before';"},
		asks: []string{"GET /a.php\nAccept-Encoding: gzip", "GET /a.php", "GET /png.php\nAccept-Encoding: gzip", "GET /length.php\nAccept-Encoding: gzip", "GET /length.php", "GET /flush.php\nAccept-Encoding: gzip", "GET /own.php\nAccept-Encoding: gzip", "GET /handler.php\nAccept-Encoding: gzip", "HEAD /a.php\nAccept-Encoding: gzip", "GET /type.php\nAccept-Encoding: gzip", "GET /zlib/a.php\nAccept-Encoding: gzip", "GET /sub/a.php", "GET /sub/t.php"},
		want: []string{"Content-Encoding: gzip", "by gzip", "after after"},
	},
	{
		name:  "bodies of requests",
		files: map[string]string{"in.php": "<?php $in = file_get_contents('php://input'); echo json_encode([strlen($in), md5($in), $_POST, array_map(fn ($f) => [$f['name'], $f['size'], $f['error']], $_FILES), $_SERVER['CONTENT_LENGTH'] ?? null, $_SERVER['HTTP_TRANSFER_ENCODING'] ?? null]);", "some.php": "<?php $f = fopen('php://input', 'r'); echo fread($f, 3);", "none.php": "<?php echo 'unread';", "raw.php": "<?php echo strlen(file_get_contents('php://input')), json_encode($_POST);", "raw/.htaccess": "php_flag enable_post_data_reading off\n", "raw/in.php": "<?php echo json_encode([$_POST, file_get_contents('php://input')]);"},
		asks: []string{
			"POST /in.php\nContent-Type: application/x-www-form-urlencoded\n\na=1&b[]=2&b[]=3",
			"POST /in.php HTTP/1.1\nHost: HOST\nContent-Type: application/x-www-form-urlencoded\nTransfer-Encoding: chunked\n\n5\r\na=1&b\r\n2\r\n=2\r\n0\r\n\r\n",
			"PUT /in.php HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n3;ext=1\r\ndef\r\n0\r\nX-Trailer: t\r\n\r\n",
			"POST /in.php\nContent-Type: multipart/form-data; boundary=B\n\n--B\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntext\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--B--\r\n",
			"POST /in.php\nContent-Type: application/json\n\n{\"a\":1}", "POST /in.php\n\n", "DELETE /in.php\n\nbody", "GET /in.php\n\nbody", "PATCH /in.php\nContent-Type: text/x\n\npatch",
			"POST /none.php\n\n" + strings.Repeat("unread ", 20000), "GET /none.php", "POST /some.php\n\n" + strings.Repeat("some ", 20000), "GET /none.php",
			"POST /in.php\nExpect: 100-continue\n\nexpected", "POST /none.php\nExpect: 100-continue\n\nexpected", "POST /raw/in.php\nContent-Type: application/x-www-form-urlencoded\n\na=1",
			"POST /in.php HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\nnot a chunk\r\n", "POST /in.php HTTP/1.1\nHost: HOST\nContent-Length: abc\n\n", "POST /in.php HTTP/1.1\nHost: HOST\nContent-Length: 3\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n0\r\n\r\n", "GET /none.php",
			"POST /in.php\nContent-Type: multipart/form-data\n\nno boundary", "POST /in.php\nContent-Type: application/x-www-form-urlencoded; charset=x\n\na=ü", "POST /in.php HTTP/1.0\nHost: HOST\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 3\n\na=1",
		},
		want: []string{`{"a":"1","b":["2","3"]}`, `{"a":"1","b":"2"}`, "100 Continue", `"f":["n.txt",4,0]`, "unread"},
	},
	{
		name: "bodies that are too large",
		conf: "ErrorDocument 413 /large.php\n<Directory ROOT/limit>\nLimitRequestBody 10\n</Directory>",
		files: map[string]string{"large.php": "<?php echo 'too large ', $_SERVER['REDIRECT_URL'] ?? 'direct', http_response_code();", "limit/in.php": "<?php echo strlen(file_get_contents('php://input')), json_encode($_POST), http_response_code();", ".htaccess": "php_value post_max_size 20\nphp_value upload_max_filesize 5\nphp_value max_file_uploads 1\nphp_flag display_errors on\nphp_flag html_errors off\n", "in.php": "<?php echo json_encode([$_POST, array_map(fn ($f) => $f['error'], $_FILES), strlen(file_get_contents('php://input'))]);",
			"big/.htaccess": "php_value post_max_size 1M\n", "big/in.php": "<?php echo json_encode([$_POST, array_map(fn ($f) => $f['error'], $_FILES)]);"},
		asks: []string{
			"POST /in.php\nContent-Type: application/x-www-form-urlencoded\n\na=1", "POST /in.php\nContent-Type: application/x-www-form-urlencoded\n\na=" + strings.Repeat("x", 30), "GET /in.php",
			"POST /limit/in.php\nContent-Type: application/x-www-form-urlencoded\n\na=1", "POST /limit/in.php\nContent-Type: application/x-www-form-urlencoded\n\na=" + strings.Repeat("x", 30), "GET /in.php",
			"POST /limit/in.php HTTP/1.1\nHost: HOST\nContent-Type: application/x-www-form-urlencoded\nTransfer-Encoding: chunked\n\n14\r\na=123456789012345678\r\n0\r\n\r\n", "GET /in.php",
			"POST /limit/in.php HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\n14\r\na=123456789012345678\r\n0\r\n\r\n", "GET /in.php",
			"POST /big/in.php\nContent-Type: multipart/form-data; boundary=B\n\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\n123456\r\n--B\r\nContent-Disposition: form-data; name=\"g\"; filename=\"n\"\r\n\r\n1\r\n--B--\r\n",
		},
		want: []string{"too large", "exceeds the limit of"},
	},
	{
		name:  "ends of answers",
		files: map[string]string{"length.php": "<?php header('Content-Length: ' . $_GET['n']); echo '0123456789';", "empty.php": "<?php", "flush.php": "<?php for ($i = 0; $i < 3; $i++) { echo $i; flush(); }", "big.php": "<?php echo str_repeat('0123456789', 100000);", "buffered/.htaccess": "php_value output_buffering 100\n", "buffered/a.php": "<?php echo str_repeat('x', 150); header('X-Late: y'); echo 'z';", "implicit/.htaccess": "php_flag implicit_flush on\nphp_value output_buffering 0\n", "implicit/a.php": "<?php echo 'a'; echo 'b';", "off/.htaccess": "php_value output_buffering 0\n", "off/a.php": "<?php echo 'a'; echo 'b'; @header('X-Late: 1');", "handler/.htaccess": "php_value output_handler strrev\n", "handler/a.php": "<?php echo 'abc';"},
		asks:  []string{"GET /length.php?n=10", "GET /length.php?n=5", "GET /length.php?n=0", "GET /length.php?n=abc", "GET /length.php?n=10\nConnection: close", "HEAD /length.php?n=10", "GET /empty.php", "GET /flush.php", "GET /flush.php HTTP/1.0\nHost: HOST", "GET /big.php", "HEAD /big.php", "HEAD /flush.php", "HEAD /empty.php", "GET /big.php HTTP/1.0\nHost: HOST\nConnection: keep-alive", "GET /length.php?n=10\nRange: bytes=2-3", "GET /big.php\nRange: bytes=0-9", "GET /buffered/a.php", "GET /implicit/a.php", "GET /off/a.php", "GET /handler/a.php", "GET /length.php?n=20"},
		want:  []string{"(chunked)", "(length)", "(until it closed)", "206 Partial Content"},
	},
	{
		name:  "methods",
		conf:  "<Directory ROOT/limited>\n<Limit POST>\nRequire all denied\n</Limit>\n</Directory>\nTraceEnable on",
		files: map[string]string{"m.php": "<?php echo $_SERVER['REQUEST_METHOD'];", "limited/m.php": "<?php echo $_SERVER['REQUEST_METHOD'];"},
		asks:  []string{"GET /m.php", "POST /m.php\n\n", "PUT /m.php\n\nx", "DELETE /m.php", "OPTIONS /m.php", "PATCH /m.php\n\nx", "PROPFIND /m.php", "FOO /m.php", "TRACE /m.php", "HEAD /m.php", "POST /limited/m.php\n\n", "GET /limited/m.php", "OPTIONS /plain.txt", "POST /plain.txt\n\nx", "get /m.php", "CONNECT /m.php"},
		want:  []string{"\nPATCH\n", "\nFOO\n"},
	},
	{
		name:  "content negotiation",
		conf:  "<Directory ROOT>\nOptions +MultiViews\n</Directory>",
		files: map[string]string{"page.php": "<?php echo 'page ', $_SERVER['SCRIPT_NAME'], $_SERVER['PATH_INFO'] ?? '', $_SERVER['REQUEST_URI'];", "doc.en.php": "<?php echo 'en';", "doc.de.php": "<?php echo 'de';", ".htaccess": "AddLanguage en .en\nAddLanguage de .de\nMultiviewsMatch Any\n"},
		asks:  []string{"GET /page", "GET /page/info?x", "GET /doc\nAccept-Language: de", "GET /doc\nAccept-Language: en", "GET /doc\nAccept-Language: fr", "GET /page\nAccept: image/png"},
		want:  []string{"page /page.php", "\nde\n"},
	},
	{
		name:  "files before and after",
		files: map[string]string{".htaccess": "php_value auto_prepend_file ROOT/before.inc\nphp_value auto_append_file after.inc\nphp_value include_path .:ROOT/lib\n", "before.inc": "<?php echo 'before ', basename($_SERVER['SCRIPT_FILENAME']), ' ';", "lib/after.inc": " after", "a.php": "<?php echo 'a';", "exit.php": "<?php echo 'b'; exit;", "sub/.htaccess": "php_value auto_prepend_file none\n", "sub/a.php": "<?php echo 'sub';", "missing/.htaccess": "php_value auto_prepend_file /nothing.php\nphp_flag display_errors on\n", "missing/a.php": "<?php echo 'c';"},
		asks:  []string{"GET /a.php", "GET /exit.php", "GET /sub/a.php", "GET /missing/a.php"},
		want:  []string{"before a.php a after", "sub after"},
	},
	{
		name: "errors, and where they are logged",
		conf: "php_value error_log none\nphp_flag log_errors on",
		files: map[string]string{".htaccess": "php_flag display_errors on\nphp_flag html_errors on\nphp_value error_reporting 32767\nphp_value error_prepend_string <pre>\nphp_value error_append_string </pre>\n", "warn.php": "<?php echo $undefined; trigger_error('own', E_USER_NOTICE); error_log('by error_log'); error_log('to the SAPI', 4); file_put_contents('php://stderr', ''); syslog(LOG_DEBUG, ''); echo 'end';", "fatal.php": "<?php header('X-Own: x'); missing();", "parse.php": "<?php echo (;", "throw.php": "<?php throw new Exception(\"a\\nb <c>\");", "memory.php": "<?php ini_set('memory_limit', '4M'); $a = str_repeat('x', 100000000);", "quiet/.htaccess": "php_flag display_errors off\n", "quiet/fatal.php": "<?php missing();", "quiet/late.php": "<?php echo 'a'; flush(); missing();", "own/.htaccess": "php_value error_log ROOT/own/log.txt\n", "own/warn.php": "<?php error_log('in a file'); echo preg_replace('~\\[.*?\\]~', '', @file_get_contents(__DIR__ . '/log.txt') ?: 'none');", "time.php": "<?php set_time_limit(1); ini_set('display_errors', 1); while (true);",
			"docref/.htaccess": "php_value docref_root /manual/\nphp_value docref_ext .html\n", "docref/a.php": "<?php fopen('/nothing', 'r');"},
		asks: []string{"GET /warn.php", "GET /fatal.php", "GET /parse.php", "GET /throw.php", "GET /memory.php", "GET /quiet/fatal.php", "GET /quiet/late.php", "GET /own/warn.php", "GET /time.php", "GET /docref/a.php", "GET /warn.php\nReferer: http://other.test/"},
		want: []string{"PHP Fatal error:  Uncaught Error: Call to undefined function missing()", "HTTP/1.1 500", "Maximum execution time", "by error_log", "[php:"},
	},
	{
		name:  "scripts that are not there",
		files: map[string]string{"dir.php/x": "", "unreadable.php": "<?php", "sub/.htaccess": "SetHandler application/x-httpd-php\n", "sub/dir/x": "", "dangling/x": ""},
		asks:  []string{"GET /nothing.php", "GET /nothing.php/path", "GET /dir.php/", "GET /dir.php", "GET /sub/", "GET /sub/dir/", "GET /sub/nothing", "POST /nothing.php\n\nbody", "GET /sub/.htaccess"},
		want:  []string{"404 Not Found", "not found or unable to stat", "attempt to invoke directory"},
	},
	{
		name:  "nothing stays from one request to the next",
		files: map[string]string{"change.php": "<?php ini_set('user_agent', 'changed'); putenv('OWN=changed'); setlocale(LC_ALL, 'C.UTF-8'); chdir('/'); umask(0); set_time_limit(7); header('X-Own: changed'); http_response_code(404); mb_internal_encoding('latin1'); date_default_timezone_set('Asia/Tokyo'); error_reporting(0); ignore_user_abort(true); ob_start(); apache_note('own', 'changed'); apache_setenv('OWN', 'changed'); echo 'changed';", "look.php": "<?php echo json_encode([ini_get('user_agent'), getenv('OWN'), setlocale(LC_ALL, 0), getcwd(), umask(), ini_get('max_execution_time'), headers_list(), http_response_code(), mb_internal_encoding(), date_default_timezone_get(), error_reporting(), ignore_user_abort(), ob_get_level(), apache_note('own'), apache_getenv('OWN')]);", "sub/.htaccess": "php_value user_agent sub\nphp_value memory_limit 90M\nSetEnv OWN sub\n", "sub/look.php": "<?php echo json_encode([ini_get('user_agent'), ini_get('memory_limit'), getenv('OWN'), ini_get_all('user_agent')]);"},
		asks:  []string{"GET /look.php", "GET /change.php", "GET /look.php", "GET /sub/look.php", "GET /ini.php?user_agent=x&memory_limit", "GET /look.php", "GET /sub/look.php"},
		want:  []string{`["sub","90M","sub"`},
	},
	{
		name:  "sessions",
		files: map[string]string{".htaccess": "php_flag session.auto_start on\nphp_value session.save_path DIR/tmp\nphp_value session.name OWN\nphp_value session.cookie_samesite Strict\nphp_value session.cache_limiter private\nphp_value session.sid_length 32\n", "a.php": "<?php $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo $_SESSION['n'], session_status(), session_name();", "regenerate.php": "<?php session_regenerate_id(); echo count(array_filter(headers_list(), fn ($h) => str_starts_with($h, 'Set-Cookie')));", "public/.htaccess": "php_value session.cache_limiter public\nphp_value session.cache_expire 5\n", "public/a.php": "<?php echo session_id();"},
		asks:  []string{"GET /a.php\nCookie: OWN=abcdefghijklmnopqrstuvwxyz012345", "GET /a.php\nCookie: OWN=abcdefghijklmnopqrstuvwxyz012345", "GET /public/a.php\nCookie: OWN=abcdefghijklmnopqrstuvwxyz012345"},
		want:  []string{"22OWN", "Cache-Control: private"},
	},
	{
		name:  "what asks whether there is mod_php",
		files: map[string]string{".htaccess": "<IfModule mod_php.c>\nphp_value user_agent mod_php.c\n</IfModule>\n<IfModule php_module>\nphp_value error_append_string php_module\n</IfModule>\n<IfModule mod_php7.c>\nphp_value user_agent old\n</IfModule>\n<IfModule !mod_php.c>\nphp_value user_agent none\n</IfModule>\n", "a.php": "<?php echo json_encode([ini_get('user_agent'), ini_get('error_append_string'), in_array('mod_php', apache_get_modules()), apache_get_version(), preg_replace('~^(prefork|event|worker)$~', '(mpm)', apache_get_modules()), php_ini_loaded_file(), php_ini_scanned_files()], JSON_UNESCAPED_SLASHES);"},
		asks:  []string{"GET /a.php"},
		want:  []string{`["mod_php.c","php_module",true,"Apache/`},
	},
	{
		name: "a virtual host beside others",
		conf: "ServerAlias *.alias.test\nServerAdmin somebody@example.org\nUseCanonicalName On\nServerSignature EMail\nKeepAlive On\nTimeout 77\nphp_value user_agent beside\nphp_admin_value sendmail_path /bin/own",
		asks: []string{"GET /vars.php", "GET /vars.php HTTP/1.1\nHost: x.alias.test:81", "GET /ini.php?user_agent&sendmail_path", "GET /info.php", "GET /missing", "GET /vars.php HTTP/1.1\nHost: HOST:8080"},
		want: []string{"somebody@example.org", "Connection: 77", "Virtual Server => Yes", `user_agent ["beside"`},
	},
	{
		name: "and that host's settings are its own",
		asks: []string{"GET /ini.php?user_agent&sendmail_path&open_basedir&error_append_string&memory_limit&error_log&post_max_size", "GET /vars.php"},
		want: []string{`user_agent [""`},
	},
	{
		name:  "UserDir and sections by path, expression and time",
		conf:  "<DirectoryMatch \"ROOT/(one|two)\">\nphp_value user_agent match\n</DirectoryMatch>\n<LocationMatch \"^/two\">\nphp_value user_agent location\n</LocationMatch>\n<FilesMatch \"^a\\.\">\nphp_value error_append_string files\n</FilesMatch>\n<If \"-n req('X-If')\">\nphp_value error_prepend_string if\n</If>\n<Else>\nphp_value error_prepend_string else\n</Else>\nDefine own_value defined\nphp_value docref_root ${own_value}\nphp_value docref_ext \"with \\\"quotes\\\" and ; = # signs\"\nphp_value arg_separator.output &amp;",
		files: map[string]string{"one/a.php": sharedFiles["ini.php"], "two/a.php": sharedFiles["ini.php"], "a.php": sharedFiles["ini.php"]},
		asks:  []string{"GET /one/a.php?user_agent&error_append_string&error_prepend_string&docref_root&docref_ext&arg_separator-output", "GET /two/a.php?user_agent&error_append_string", "GET /a.php?user_agent&error_prepend_string\nX-If: 1"},
		want:  []string{`user_agent ["location"`, `["if"`, `["else"`, `["defined"`},
	},
	{
		name:  "expiry and caching by the server",
		files: map[string]string{".htaccess": "ExpiresActive On\nExpiresByType text/html \"access plus 0 seconds\"\nFileETag None\nHeader set Cache-Control \"max-age=5\" \"expr=%{REQUEST_STATUS} == 200\"\n", "a.php": "<?php echo 'a';", "own.php": "<?php header('Expires: Thu, 01 Jan 1970 00:00:00 GMT'); header('Cache-Control: no-store'); echo 'own';", "etag.php": "<?php header('ETag: \"x\"'); echo 'etag';", "304.php": "<?php header('ETag: \"x\"'); http_response_code(304); echo 'ignored';"},
		asks:  []string{"GET /own.php", "GET /etag.php\nIf-None-Match: \"x\"", "GET /etag.php\nIf-None-Match: \"y\"", "GET /etag.php\nIf-Match: \"y\"", "GET /304.php", "HEAD /etag.php\nIf-None-Match: \"x\""},
		want:  []string{"304 Not Modified", "Cache-Control: max-age=5"},
	},
	{
		name: "applications' own .htaccess",
		files: map[string]string{
			// After Nextcloud's, Drupal's and WordPress's.
			".htaccess": `<IfModule mod_headers.c>
  <IfModule mod_setenvif.c>
    SetEnvIfNoCase ^Authorization$ "(.+)" XAUTHORIZATION=$1
    RequestHeader set XAuthorization %{XAUTHORIZATION}e env=XAUTHORIZATION
  </IfModule>
  <IfModule mod_env.c>
    SetEnv front_controller_active true
    SetEnv modHeadersAvailable true
  </IfModule>
  Header onsuccess unset Referrer-Policy
  Header always set Referrer-Policy "no-referrer"
</IfModule>
<IfModule mod_php.c>
  php_value mbstring.func_overload 0
  php_value default_charset 'UTF-8'
  php_value output_buffering 0
  php_value assert.active 0
  php_flag session.auto_start off
  <IfModule mod_setenvif.c>
    SetEnvIfNoCase ^Authorization$ "(.+)" HTTP_AUTHORIZATION=$1
  </IfModule>
</IfModule>
<FilesMatch "\.(engine|inc|install|sh)$|^(\..*|composer\.json)$">
  Require all denied
</FilesMatch>
AddDefaultCharset utf-8
Options -Indexes
DirectoryIndex index.php index.html
<IfModule mod_rewrite.c>
  RewriteEngine on
  RewriteRule ^\.well-known/carddav /remote.php/dav/ [R=301,L]
  RewriteRule ^remote/(.*) remote.php [QSA,L]
  RewriteRule ^(?:build|tests|config)/.* - [R=404,L]
  RewriteCond %{REQUEST_FILENAME} !-f
  RewriteCond %{REQUEST_FILENAME} !-d
  RewriteCond %{REQUEST_URI} !=/favicon.ico
  RewriteRule ^ index.php [L]
</IfModule>
`, "index.php": sharedFiles["vars.php"], "remote.php": "<?php echo 'remote ', $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['PATH_INFO'] ?? '', ' ', $_SERVER['HTTP_AUTHORIZATION'] ?? '', ' ', getenv('front_controller_active'), ini_get('output_buffering'), ini_get('default_charset');", "secret.inc": "x", "composer.json": "{}"},
		asks: []string{"GET /", "GET /apps/files/?dir=/\nAuthorization: Basic c29tZWJvZHk6c2VjcmV0", "PROPFIND /remote.php/dav/files/\nAuthorization: Basic c29tZWJvZHk6c2VjcmV0\nDepth: 1", "GET /.well-known/carddav", "GET /remote/x?y", "GET /secret.inc", "GET /composer.json", "GET /config/x", "GET /favicon.ico", "MKCOL /remote.php/dav/new"},
		want: []string{"remote PROPFIND /dav/files/", "REDIRECT_front_controller_active"},
	},
}
