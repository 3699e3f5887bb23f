package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a program may take before it is killed.
const patience = 30 * time.Second

// A run is what the commands same and ours run.
type run struct {
	input string   // standard input
	env   []string // added to the environment
	kill  syscall.Signal
	head  bool
	args  []string
}

// An outcome is what a run left.
type outcome struct {
	stdout, stderr string
	end            string
}

func parseRun(ts *testscript.TestScript, args []string) run {
	var r run
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option := args[0]
		args = args[1:]
		if option == "-head" {
			r.head = true
			continue
		}
		if len(args) == 0 {
			break
		}
		switch value := args[0]; option {
		case "-in":
			r.input = ts.ReadFile(value)
		case "-env":
			r.env = append(r.env, value)
		case "-kill":
			var ok bool
			if r.kill, ok = parseSignal(value); !ok {
				ts.Fatalf("unknown signal %s", value)
			}
		default:
			ts.Fatalf("unknown option %s", option)
		}
		args = args[1:]
	}
	if len(args) == 0 {
		ts.Fatalf("usage: same|ours [-in file] [-env NAME=VALUE]... [-kill SIGNAL] [-head] program args...")
	}
	r.args = args
	return r
}

// do runs the program of the directory dir, which is first in its PATH, and says how it ended.
func (r run) do(ts *testscript.TestScript, dir string) outcome {
	cmd := exec.Command(filepath.Join(dir, r.args[0]), r.args[1:]...)
	cmd.Args[0] = r.args[0]
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(slices.Clone(r.env), "PATH="+dir+":"+ts.Getenv("PATH"), "HOME="+ts.Getenv("HOME"), "TMPDIR="+ts.Getenv("TMPDIR"))
	if library := ts.Getenv("LD_PRELOAD"); library != "" { // ownHome
		cmd.Env = append(cmd.Env, "LD_PRELOAD="+library, "WORK="+ts.Getenv("WORK"))
	}
	if r.input != "" {
		cmd.Stdin = strings.NewReader(r.input)
	}
	read, write, err := os.Pipe()
	ts.Check(err)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &stderr
	cmd.WaitDelay = patience
	err = cmd.Start()
	write.Close()
	ts.Check(err)
	timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timer.Stop()

	var stdout bytes.Buffer
	var reader sync.WaitGroup
	reader.Go(func() {
		defer read.Close()
		chunk := make([]byte, 4096)
		for {
			n, err := read.Read(chunk)
			stdout.Write(chunk[:n])
			if n > 0 && r.kill != 0 {
				cmd.Process.Signal(r.kill)
				r.kill = 0
			}
			if err != nil || r.head {
				return
			}
		}
	})
	err = cmd.Wait()
	reader.Wait()
	if cmd.ProcessState == nil {
		ts.Check(err)
	}
	o := outcome{stderr: stderr.String(), end: strconv.Itoa(cmd.ProcessState.ExitCode())}
	if !r.head {
		o.stdout = stdout.String()
	}
	if state := cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() {
		o.end = signalName(state.Signal())
	}
	return o
}

// remember makes the outcome what stdout, stderr and status look at.
func (o outcome) remember(ts *testscript.TestScript) {
	ts.Stdout().Write([]byte(o.stdout))
	ts.Stderr().Write([]byte(o.stderr))
	*ts.Value(lastEnd{}).(*string) = o.end
}
