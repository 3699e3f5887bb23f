package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cgiScripts are what is asked for: next to nothing, and a page that compiles and runs some thousand lines.
var cgiScripts = map[string]string{
	"hello": `<?php echo "Hello, world!\n";`,
	"large": `<?php ` + strings.Repeat("function f%d(array $a): string { $s = ''; foreach ($a as $k => $v) { $s .= htmlspecialchars(\"$k=$v;\"); } return $s; }\n", 600) +
		`for ($i = 0; $i < 200; $i++) { echo f0(array_fill(0, 50, $i)); }`,
}

// cgiSuite measures a CGI request: the processor time of all processes that have a part in it, and how long it takes.
func cgiSuite(o Options) (string, error) {
	dir, err := os.MkdirTemp("", "phpsapi-cgi-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	stock, err := exec.LookPath("php-cgi" + o.Stock)
	if err != nil {
		return "", err
	}
	ours := filepath.Join(o.Links, "php-cgi")
	if err := os.Symlink(o.Binary, ours); err != nil {
		return "", err
	}
	var rows []Row
	for _, name := range []string{"hello", "large"} {
		script := filepath.Join(dir, name+".php")
		text := cgiScripts[name]
		for i := 0; strings.Contains(text, "function f%d"); i++ {
			text = strings.Replace(text, "f%d", "f"+strconv.Itoa(i), 1)
		}
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			return "", err
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(script, old, old); err != nil { // opcache leaves alone what was just written
			return "", err
		}
		more, err := cgiRows(o, dir, stock, ours, name, script)
		if err != nil {
			return "", err
		}
		rows = append(rows, more...)
	}
	return Table(rows), nil
}

func cgiRows(o Options, dir, stock, ours, name, script string) ([]Row, error) {
	socket := filepath.Join(dir, "zygote")
	resident := exec.Command(o.Binary, "cgi", "--zygote-listen", socket)
	resident.Stderr = os.Stderr
	if err := resident.Start(); err != nil {
		return nil, err
	}
	defer func() {
		resident.Process.Signal(syscall.SIGTERM)
		resident.Wait()
	}()
	for range 20 { // the first requests start the zygote and fill opcache
		time.Sleep(50 * time.Millisecond)
		if _, err := request(ours, script, socket); err != nil {
			return nil, err
		}
	}
	sides := []struct{ program, socket string }{{stock, ""}, {ours, ""}, {ours, socket}}
	samples := make([][]Sample, len(sides))
	before := residentCPU(resident.Process.Pid) // it works for the zygote's requests alone
	for i := range o.Runs {
		for at := range sides {
			side := (at + i) % len(sides)
			sample, err := request(sides[side].program, script, sides[side].socket)
			if err != nil {
				return nil, err
			}
			samples[side] = append(samples[side], sample)
		}
	}
	beside := residentCPU(resident.Process.Pid) - before
	// The kernel's clock ticks are too coarse for one request: each gets its share of all.
	for i := range samples[2] {
		samples[2][i][CPU] += beside / float64(o.Runs)
	}
	var rows []Row
	for i, kind := range []struct {
		name  string
		limit float64
	}{1: {"ordinary", 1.05}, 2: {"zygote", 0.30}} {
		if i == 0 {
			continue
		}
		c := Case{Name: name + ", " + kind.name, Limits: []Limit{{Of: CPU, Ratio: kind.limit}, {Of: P50, Ratio: kind.limit}}}
		rows = append(rows, c.rows(samples[0], samples[i])...)
	}
	return rows, nil
}

// request executes a CGI program as a web server does.
func request(program, script, zygote string) (Sample, error) {
	cmd := exec.Command(program)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "REDIRECT_STATUS=200", "REQUEST_METHOD=GET", "SERVER_NAME=localhost",
		"SERVER_SOFTWARE=bench", "SERVER_PROTOCOL=HTTP/1.1", "GATEWAY_INTERFACE=CGI/1.1", "QUERY_STRING=a=b", "HTTP_HOST=localhost",
		"SCRIPT_FILENAME=" + script, "SCRIPT_NAME=/" + filepath.Base(script), "REQUEST_URI=/" + filepath.Base(script)}
	if zygote != "" {
		cmd.Env = append(cmd.Env, "PHPSAPI_CGI_ZYGOTE="+zygote)
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return Sample{}, fmt.Errorf("%s: %w", program, err)
	}
	return Sample{
		CPU: float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()) / 1e3,
		P50: time.Since(began).Seconds() * 1e3,
	}, nil
}

// residentCPU is the time that a resident, its zygotes and their children have taken, in milliseconds: a child's counts
// when the zygote has buried it.
func residentCPU(pid int) float64 {
	ticks := 0
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range list {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		id := filepath.Base(filepath.Dir(name))
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 15 || id != strconv.Itoa(pid) && fields[1] != strconv.Itoa(pid) {
			continue
		}
		last := 13 // of a zygote, its children's too
		if id != strconv.Itoa(pid) {
			last = 15
		}
		for _, field := range fields[11:last] {
			n, _ := strconv.Atoi(field)
			ticks += n
		}
	}
	return float64(ticks) * 10 // USER_HZ is 100 on every Linux
}
