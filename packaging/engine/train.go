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

// What PHP does once is taken for seldom: it starts so often that it is not.
const trainingStarts = 25

// The service may have one page of an application to compile, by an engine that counts.
const pagePatience = 2 * time.Minute

// trainingPages are what a service is asked for. dump.php writes the counts down; it comes last.
var trainingPages = []string{"/hello.php", "/headers.php", "/form.php?a=1&b[]=2", "/large.php", "/mixed.php?n=1", "/objects.php"}

// noFurtherSettings keeps PHP from the machine's own files of settings.
var noFurtherSettings = []string{"PHP_INI_SCAN_DIR="}

// train links an engine that counts what it does, and has it do what PHP does: PHP's own benchmark, scripts of language
// features and of objects, and requests of a web server, also for pages of WordPress and Symfony.
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
	settle, err := w.applications(log, dir, root)
	if err != nil {
		return err
	}
	engine := filepath.Join(l.dir, "engine.so")
	php := func(args ...string) error {
		return execute(log, root, noFurtherSettings, w.phpsapi, append([]string{"--engine", engine, "cli", "-c", ini}, args...)...)
	}
	for _, args := range [][]string{
		{"-d", "opcache.enable_cli=0", filepath.Join(w.src(), "Zend", "bench.php")},
		{filepath.Join(w.src(), "Zend", "bench.php")},
		{"-v"}, {"mixed.php", "40"}, {"-d", "opcache.enable_cli=0", "mixed.php", "40"}, {"objects.php", "40"},
	} {
		if err := php(args...); err != nil {
			return errors.Join(err, settle())
		}
	}
	for range trainingStarts {
		if err := errors.Join(php("-r", ""), php("-n", "-r", "")); err != nil {
			return errors.Join(err, settle())
		}
	}
	return errors.Join(w.trainService(log, engine, ini, root), settle())
}

// applications lays the applications below root, and starts the database that WordPress asks. What it returns ends that.
func (w *work) applications(log *os.File, dir, root string) (settle func() error, err error) {
	settle = func() error { return nil }
	for _, a := range applications {
		if !w.suits(a) {
			fmt.Printf("(without %s: it needs %s) ", a.name, strings.Join(a.needs, ", "))
			continue
		}
		if err := w.unpackApplication(log, a, root); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", a.name, err), settle())
		}
		if a.name == "WordPress" {
			db, err := startDatabase(log, filepath.Join(dir, "database"))
			if err != nil {
				return nil, err
			}
			settle = db.stop
			if err := configureWordPress(root, db.socket); err != nil {
				return nil, errors.Join(err, settle())
			}
		}
	}
	return settle, nil
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
	go func() { answered <- w.askForPages("http://" + address) }()
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
func (w *work) askForPages(url string) error {
	client := &http.Client{Timeout: pagePatience}
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
	if err := w.askForApplications(client, url); err != nil {
		return err
	}
	said, err := get(client, url+"/dump.php")
	if err == nil && !strings.HasPrefix(said, "written") {
		err = fmt.Errorf("the worker did not write its counts down: %s", said)
	}
	return err
}

// applicationRequests is how often an application's page is asked for. It takes the time of a hundred of the others.
const applicationRequests = 60

func (w *work) askForApplications(client *http.Client, url string) error {
	for _, a := range applications {
		if !w.suits(a) {
			continue
		}
		if a.name == "WordPress" {
			if err := installWordPress(client, url); err != nil {
				return err
			}
		}
		for range applicationRequests {
			said, err := get(client, url+a.page)
			if err == nil && !strings.Contains(said, a.has) {
				err = fmt.Errorf("the page of %s has no %q: %.500s", a.name, a.has, said)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
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
