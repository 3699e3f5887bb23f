package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// The site's scripts. mark.php answers by itself, app.php as a worker script; both by answer.php, and a request may ask for an
// action beside, one of the files in do.
var site = map[string]string{
	"answer.php": `<?php
// mark answers with everything that shows if the request was understood, and whether one before it has left something behind.
function mark() {
	$n = $_GET['n'] ?? '';
	if (isset($_GET['place'])) {
		file_put_contents($_GET['place'], getmypid());
	}
	usleep((int)($_GET['us'] ?? 0));
	$body = file_get_contents('php://input');
	if (isset($_GET['do'])) {
		include __DIR__ . '/do/' . $_GET['do'] . '.php';
	}
	echo "n=$n generation=", ini_get('user_agent'), ' body=', strlen($body), ':', crc32($body), ' state=',
		ob_get_level(), ',', umask(), ',', ini_get('memory_limit'), ',', error_reporting(), ',', getcwd(), ',',
		count($GLOBALS['left'] ?? []), ',', json_encode(error_get_last()), "\n",
		str_repeat('x', (int)($_GET['size'] ?? 0)), "\nend $n\n";
}
`,
	"mark.php":                  `<?php require_once __DIR__ . '/answer.php'; mark();`,
	"do/memory-without-end.php": `<?php ini_set('memory_limit', '-1'); $a = []; while (true) { $a[] = str_repeat('x', 1 << 20); }`,
	"app.php":                   `<?php require_once __DIR__ . '/answer.php'; while (frankenphp_handle_request('mark'));`,
}

// writeSite writes the site and the actions.
func (s *service) writeSite() (err error) {
	for name, code := range site {
		err = errors.Join(err, replace(filepath.Join(s.root(), name), code))
	}
	for _, a := range actions {
		err = errors.Join(err, replace(filepath.Join(s.root(), "do", a.file()), "<?php "+a.code+"\n"))
	}
	return errors.Join(err, os.WriteFile(s.dir+"/ini.d/99-faults.ini", []byte("ffi.enable = 1\n"), 0o644))
}

// replace writes a file that may be in use.
func replace(path, text string) error {
	return errors.Join(os.WriteFile(path+".next", []byte(text), 0o644), os.Rename(path+".next", path))
}

// file is the name of an action's file.
func (a action) file() string {
	return strings.NewReplacer(" ", "-", "'", "", ",", "", "(", "", ")", "", "/", "").Replace(a.name) + ".php"
}
