package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// training are the scripts that an engine is trained by, beside PHP's own Zend/bench.php.
//
//go:embed training
var training embed.FS

// How often a page is asked for, each time by a new connection and by a kept one.
const trainingRequests = 400

// trainingPages are what a service is asked for. dump.php writes the counts down; it comes last.
var trainingPages = []string{"/hello.php", "/headers.php", "/form.php?a=1&b[]=2", "/large.php", "/mixed.php?n=1", "/objects.php"}

// noFurtherSettings keeps PHP from the machine's own files of settings.
var noFurtherSettings = []string{"PHP_INI_SCAN_DIR="}

// train links an engine that counts what it does, and has it do what PHP does: PHP's own benchmark, scripts of language
// features and of objects, and requests of a web server.
func (w *work) train(log *os.File) error {
	dir := filepath.Join(w.dir, "training")
	l := output{dir: filepath.Join(dir, "engine"), flags: toTrain}
	if err := w.linkEngine(log, l); err != nil {
		return err
	}
	scripts, err := fs.Sub(training, "training")
	if err != nil {
		return err
	}
	root := filepath.Join(dir, "root")
	if err := errors.Join(os.RemoveAll(root), os.CopyFS(root, scripts)); err != nil {
		return err
	}
	ini := filepath.Join(dir, "php.ini")
	if err := os.WriteFile(ini, []byte(w.trainingSettings(l.dir)), 0o644); err != nil {
		return err
	}
	engine := filepath.Join(l.dir, "engine.so")
	php := func(args ...string) error {
		return execute(log, root, noFurtherSettings, w.phpsapi, append([]string{"--engine", engine, "cli", "-c", ini}, args...)...)
	}
	for _, args := range [][]string{
		{"-d", "opcache.enable_cli=0", filepath.Join(w.src(), "Zend", "bench.php")},
		{filepath.Join(w.src(), "Zend", "bench.php")},
		{"-r", ""}, {"-n", "-r", ""}, {"-v"},
		{"mixed.php", "40"}, {"-d", "opcache.enable_cli=0", "mixed.php", "40"}, {"objects.php", "40"},
	} {
		if err := php(args...); err != nil {
			return err
		}
	}
	return w.trainService(log, engine, ini, root)
}

// trainingSettings returns a php.ini with all extensions.
func (w *work) trainingSettings(dir string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "extension_dir=%s\nerror_reporting=E_ALL\ndisplay_errors=1\nopcache.enable_cli=1\nffi.enable=1\n", filepath.Join(dir, "extensions"))
	for _, e := range w.extensions {
		key := "extension"
		if e.name == "opcache" {
			key = "zend_extension"
		}
		fmt.Fprintf(&text, "%s=%s\n", key, e.name)
	}
	return text.String()
}

// trainService runs a service with one worker and asks it for pages by HTTP.
func (w *work) trainService(log *os.File, engine, ini, root string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	args := []string{"--engine", engine, "fpm", "-F", "-c", ini, "--http", address, "--root", root, "--set", "www.pm=static", "--set", "www.pm.max_children=1"}
	if os.Geteuid() == 0 { // the counts are files of its own
		args = append(args, "-R", "--set", "www.user=root", "--set", "www.group=root")
	}
	cmd := exec.Command(w.phpsapi, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = root, log, log, append(os.Environ(), noFurtherSettings...)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	answered := make(chan error, 1)
	go func() { answered <- askForPages("http://" + address) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the service has ended: %w", err)
	case err = <-answered:
	}
	if stopped := cmd.Process.Signal(os.Interrupt); stopped != nil {
		return errors.Join(err, stopped)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		cmd.Process.Kill()
		return errors.Join(err, errors.New("the service did not end within a minute"))
	}
	return err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// askForPages asks for all training pages, once the service answers, and has the worker write its counts down.
func askForPages(url string) error {
	client := &http.Client{Timeout: time.Minute}
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := get(client, url+"/hello.php")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the service does not answer: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	for range trainingRequests {
		for _, page := range trainingPages {
			if _, err := get(client, url+page); err != nil {
				return err
			}
		}
	}
	said, err := get(client, url+"/dump.php")
	if err == nil && !strings.HasPrefix(said, "written") {
		err = fmt.Errorf("the worker did not write its counts down: %s", said)
	}
	return err
}

func get(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return string(body), err
}
