package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A step is one part of the work.
type step struct {
	name string
	do   func(log *os.File) error
}

// run takes the steps, and says of each how long it took. It returns an error that names the log if one fails.
func (w *work) run(steps []step) error {
	logs := filepath.Join(w.dir, "log")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	for i, s := range steps {
		name := filepath.Join(logs, fmt.Sprintf("%d-%s.log", i+1, strings.ReplaceAll(strings.ReplaceAll(s.name, ",", ""), " ", "-")))
		log, err := os.Create(name)
		if err != nil {
			return err
		}
		fmt.Printf("[%d/%d] %s ... ", i+1, len(steps), s.name)
		began := time.Now()
		err = s.do(log)
		log.Close()
		if err != nil {
			fmt.Println("failed")
			return fmt.Errorf("%s: %w; the log is %s", s.name, err, name)
		}
		fmt.Println(time.Since(began).Round(time.Second / 10))
	}
	return nil
}

// execute runs a program in a directory, with additions to the environment. What it prints goes to the log.
func execute(log *os.File, dir string, env []string, name string, args ...string) error {
	fmt.Fprintf(log, "$ cd %s && %s %s\n", dir, name, strings.Join(args, " "))
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(append(os.Environ(), "LC_ALL=C", "TZ=UTC"), env...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
