package front

import (
	"bytes"
	"debug/elf"
	encoding "encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// upgradable is a service of a copy of the program, which a test may replace.
type upgradable struct {
	*service
	dir, conf, program string
	text               []byte // the program
	copies             int
	zygotes            int // how many it has
}

func startUpgradable(t *testing.T, settings string, with ...func(*exec.Cmd)) *upgradable {
	t.Helper()
	address := serve.Address(t)
	u := &upgradable{zygotes: 1, conf: configured(t, "http: {listen: '"+address+"', root: ., access_log: stderr}\n"+settings)}
	u.dir = filepath.Dir(u.conf)
	u.program = filepath.Join(u.dir, "phpsapi")
	var err error
	if u.text, err = os.ReadFile(serve.Program("phpsapi")); err != nil {
		t.Fatal(err)
	}
	files.Write(t, u.dir+"/late.php", `<?php echo str_repeat(" ", 20000); flush(); usleep((int) ($_GET["ms"] ?? 1500) * 1000); echo "late ", getmypid();`)
	u.install(t, u.text)
	c := exec.Command(u.program, "fpm", "-y", u.conf, "-F", "-O")
	for _, change := range with {
		change(c)
	}
	u.service = startCommand(t, address, c)
	return u
}

// install puts a program in the place of the one that is there.
func (u *upgradable) install(t *testing.T, text []byte) {
	t.Helper()
	files.Program(t, u.program+".new", text)
	if err := os.Rename(u.program+".new", u.program); err != nil {
		t.Fatal(err)
	}
}

// another returns a program like the one that runs, and another file.
func (u *upgradable) another() []byte {
	u.copies++
	return append(bytes.Clone(u.text), fmt.Sprintf("version %d", u.copies)...)
}

// runs reports whether all processes of the service are the program that is installed, and are called by its name.
func (u *upgradable) runs(t *testing.T) {
	t.Helper()
	wait.Until(t, "what ends has ended", func() bool { return len(u.Titled("php-fpm: zygote process")) <= u.zygotes })
	installed, err := os.Stat(u.program)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range u.Tree() {
		if exe, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && !os.SameFile(installed, exe) {
			t.Errorf("process %d (%s) is another program than the one that is installed", pid, serve.Title(pid))
		}
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(name) != "phpsapi\n" {
			t.Errorf("process %d (%s) is called %s", pid, serve.Title(pid), name)
		}
	}
}

// Requests that are under way, kept connections, and what comes by FastCGI and by HTTP: all is answered while the program is
// replaced again and again, and nothing is left.
func TestUpgradeLosesNothing(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, "")
	kept := &client.FastCGI{Kept: true, Dial: func() (net.Conn, error) { return net.Dial("unix", u.dir+"/sock") }}
	defer kept.Close()
	ask := func(when string) {
		t.Helper()
		if err := kept.Ask(client.Encode(u.dir, "/index.php", "", true)); err != nil {
			t.Errorf("%s, kept: %v", when, err)
		}
		u.want("/", 200, "index ")
	}
	ask("at first")
	late := make(chan string, 2)
	go func() {
		r, err := u.HTTP.Get(u.URL("/late.php"))
		if err != nil {
			late <- err.Error()
			return
		}
		defer r.Body.Close()
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		late <- strings.TrimSpace(body.String())
	}()
	go func() {
		body, err := askPool(u.dir+"/sock", u.dir+"/late.php")
		late <- fmt.Sprint(strings.TrimSpace(body), err)
	}()
	wait.Until(t, "the requests are under way", func() bool {
		out, _ := u.Operate("status")
		return strings.Count(out, "www ") > 0 && u.active(out) == 2
	})
	first := 0
	for i, by := range []string{"upgrade", "reload", "USR2", "upgrade", "upgrade"} {
		before := strings.Count(u.Log(), "ready to handle connections")
		if i < 4 { // the last replaces the program by itself
			u.install(t, u.another())
		}
		if by == "USR2" {
			u.Signal(syscall.SIGUSR2)
		} else if out, status := u.Operate(by); status != 0 || !strings.Contains(out, "upgraded from phpsapi ") || !strings.Contains(out, fmt.Sprintf(": generation %d serves (master %d)", i+2, u.Pid())) {
			t.Errorf("%s: status %d, %s", by, status, out)
		}
		wait.Until(t, "it is ready", func() bool { return strings.Count(u.Log(), "ready to handle connections") == before+1 })
		ask(by)
		if i == 0 {
			first = serve.Descriptors(u.Pid())
		}
	}
	for range cap(late) {
		if body := <-late; !strings.HasPrefix(body, "late ") {
			t.Errorf("the request that was under way: %q", body)
		}
	}
	ask("at last")
	wait.Until(t, "the old ones are gone", func() bool { return len(u.Tree()) == 5 }) // master, zygote, two workers, front
	u.runs(t)
	kept.Close()
	wait.Until(t, fmt.Sprintf("the descriptors are no more than %d", first), func() bool { return serve.Descriptors(u.Pid()) <= first })
	u.said(`NOTICE: upgraded from phpsapi \S+ to phpsapi \S+`, 5)
	for line := range strings.Lines(u.Log()) {
		if strings.Contains(line, "ERROR:") || strings.Contains(line, "ALERT:") || strings.Contains(line, "WARNING:") && !strings.Contains(line, "seems busy") {
			t.Error(line)
		}
	}
	if out, status := u.Operate("status"); status != 0 || strings.Contains(out, "previous program") {
		t.Errorf("status %d:\n%s", status, out)
	}
	if out, status := u.Operate("stop"); status != 0 {
		t.Errorf("stop: status %d: %s", status, out)
	}
	if _, err := os.Stat(u.dir + "/sock"); err == nil {
		t.Error("the socket is left")
	}
}

// active takes the number of active workers from a status.
func (u *upgradable) active(status string) (n int) {
	for line := range strings.Lines(status) {
		if f := strings.Fields(line); len(f) > 4 && f[0] == "www" {
			n, _ = strconv.Atoi(f[3])
		}
	}
	return n
}

// What cannot take over is found out before anything is given up.
func TestUpgradeThatFailsLeavesTheServiceAlone(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, "")
	foreign := bytes.Clone(u.text)
	machine := elf.EM_AARCH64
	if encoding.LittleEndian.Uint16(foreign[18:]) == uint16(machine) {
		machine = elf.EM_X86_64
	}
	encoding.LittleEndian.PutUint16(foreign[18:], uint16(machine))
	const ready = `#!/bin/sh
[ "$2" = upgrade ] && echo '{"phpsapi":"v9","handoff":[1]}' && exit
`
	for _, c := range []struct {
		name    string
		program []byte
		says    string
		status  int
	}{
		{"truncated", u.text[:len(u.text)/2], "cannot take over: ", 1},
		{"empty", nil, "exec format error", 1},
		{"of another architecture", foreign, "exec format error", 1},
		{"something else", []byte("#!/bin/sh\nexit 0\n"), "it is not phpsapi, or one that cannot take over: restart the service to execute it", 1},
		{"of another time", []byte("#!/bin/sh\necho '{\"phpsapi\":\"v99\",\"handoff\":[7]}'\n"), "phpsapi v99 cannot take over from this version: restart the service", 1},
		{"exits at once", []byte(ready + "exit 3"), "its start did not end", 1},
		{"crashes", []byte(ready + "echo that was it >&2; kill -SEGV $$"), "its start did not end: that was it", 1},
		{"hangs when it is asked", []byte("#!/bin/sh\nsleep 1000\n"), "it hangs", 1},
	} {
		u.install(t, c.program)
		for _, command := range []string{"upgrade", "reload"} {
			out, status := u.Operate(command)
			if status != c.status || !strings.Contains(out, c.says) || !strings.Contains(out, " keeps serving: ") {
				t.Errorf("%s, %s: status %d, %s", c.name, command, status, out)
			}
			u.want("/", 200, "index ")
			if strings.HasPrefix(c.name, "hangs") {
				break
			}
		}
	}
	u.install(t, u.another())
	whole := files.Read(t, u.conf)
	for text, says := range map[string]string{
		"nonsense = 1\n":              "unknown entry 'nonsense'",
		"[b]\nlisten = /dev/null/x\n": "[pool b]",
		"[b]\nlisten = " + u.dir + "/none/x\npm = ondemand\npm.max_children = 1\nuser = www-data\n": "unable to bind listening socket for address",
	} {
		files.Write(t, u.conf, whole+text)
		if out, status := u.Operate("upgrade"); status != 78 || !strings.Contains(out, says) {
			t.Errorf("%q: status %d, %s", text, status, out)
		}
		u.want("/", 200, "index ")
	}
	files.Write(t, u.conf, whole)
	if err := os.Remove(u.program); err != nil {
		t.Fatal(err)
	}
	if out, status := u.Operate("upgrade"); status != 1 || !strings.Contains(out, "no such file") {
		t.Errorf("without a program: status %d, %s", status, out)
	}
	if out, status := u.Operate("reload"); status != 0 || !strings.Contains(out, "reloaded: ") { // as before
		t.Errorf("without a program, a reload: status %d, %s", status, out)
	}
	u.said(`WARNING: the program \S+, which this service runs, is not there any more`, 1)
	u.install(t, u.another())
	if out, status := u.Operate("upgrade", "--wait-drained"); status != 0 || !strings.Contains(out, "upgraded ") {
		t.Errorf("at last: status %d, %s", status, out)
	}
	u.runs(t)
	u.want("/", 200, "index ")
}

// A daemon has a pid file, and a log that its output goes to.
func TestUpgradeOfADaemon(t *testing.T) {
	t.Parallel()
	conf := configured(t, "")
	dir := filepath.Dir(conf)
	text, err := os.ReadFile(serve.Program("phpsapi"))
	if err != nil {
		t.Fatal(err)
	}
	program := dir + "/phpsapi"
	files.Program(t, program, text)
	files.Write(t, conf, files.Read(t, conf)+"catch_workers_output = yes\n")
	files.Write(t, dir+"/says.php", `<?php file_put_contents("php://stderr", "before\n"); usleep(1000000); file_put_contents("php://stderr", "afterwards\n"); echo "said";`)
	out, err := exec.Command(program, "fpm", "-y", conf, "-D", "-g", dir+"/pid").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() { command(nil, "stop", "--now", "--pid", dir+"/pid").Run() }) // if the test has not come so far
	operate := func(what string) string {
		out, err := command(nil, what, "--pid", dir+"/pid").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
		return string(out)
	}
	pid := files.Read(t, dir+"/pid")
	said := make(chan string, 1)
	go func() {
		body, err := askPool(dir+"/sock", dir+"/says.php")
		said <- fmt.Sprint(body, err)
	}()
	logged := func(text string) int {
		return strings.Count(files.Text(dir+"/log"), text)
	}
	wait.Until(t, "the script says something", func() bool { return logged(`said into stderr: "before"`) == 1 })
	files.Program(t, program+".new", append(text, "1"...))
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
	if out := operate("upgrade"); !strings.Contains(out, "(master "+pid+")") {
		t.Errorf("got %s", out)
	}
	if body := <-said; body != "said<nil>" {
		t.Errorf("got %q", body)
	}
	wait.Until(t, "the script's output is logged", func() bool { return logged(`said into stderr: "afterwards"`) == 1 })
	if n := logged("ready to handle connections"); n != 2 { // once each, and not to stderr too
		t.Errorf("%d times ready:\n%s", n, files.Text(dir+"/log"))
	}
	if now := files.Text(dir + "/pid"); now != pid {
		t.Errorf("the pid was %s and is %s", pid, now)
	}
	start := time.Now()
	operate("stop")
	if _, err := os.Stat(dir + "/pid"); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("the pid file is left, or the stop took %v", time.Since(start))
	}
}

// A front's access log that is standard output stays so, the first time and the second time.
func TestUpgradeKeepsStandardOutput(t *testing.T) {
	t.Parallel()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	u := startUpgradable(t, "", func(c *exec.Cmd) {
		c.Env = append(os.Environ(), "PHPSAPI_HTTP_ACCESS_LOG=stdout")
		c.Stdout = log
	})
	for n := range 3 {
		if n > 0 {
			u.install(t, u.another())
			if out, status := u.Operate("upgrade"); status != 0 {
				t.Fatalf("status %d, %s", status, out)
			}
		}
		u.want(fmt.Sprintf("/index.php?%d", n), 200, "index ")
		wait.Until(t, "the request is logged", func() bool {
			return strings.Contains(files.Text(log.Name()), fmt.Sprintf(`"GET /index.php?%d HTTP/1.1" 200`, n))
		})
	}
}

// An operator who stops the service while the program is being replaced finds it stopped: the order reached a master that came to rest, and was
// lost, or its connection was.
func TestStopInTheMiddleOfAnUpgradeIsObeyed(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"stop", "stop --now", "TERM", "QUIT"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				u := startUpgradable(t, "")
				u.install(t, u.another())
				upgrade := command(nil, "upgrade", "--master", strconv.Itoa(u.Pid()))
				if err := upgrade.Start(); err != nil {
					t.Fatal(err)
				}
				wait.Until(t, "the master is about to rest", func() bool { return strings.Contains(u.Log(), " takes over") })
				switch by {
				case "TERM":
					u.Signal(syscall.SIGTERM)
				case "QUIT":
					u.Signal(syscall.SIGQUIT)
				default:
					if out, status := u.Operate(strings.Fields(by)...); status != 0 || !strings.Contains(out, "is gone") {
						t.Errorf("status %d, %s", status, out)
					}
				}
				wait.Until(t, "the service has ended", func() bool { return u.Ended() != "" })
				upgrade.Wait()
			}
		})
	}
}

// systemd hears of an upgrade as of a reload: the main process stays, and is ready again.
func TestUpgradeIsToldToSystemd(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	u := startUpgradable(t, "", func(c *exec.Cmd) { c.Env = append(os.Environ(), "NOTIFY_SOCKET="+dir+"/notify") })
	heard := func(want string) {
		t.Helper()
		buf := make([]byte, 4096)
		notify.SetReadDeadline(time.Now().Add(20 * time.Second))
		for {
			n, err := notify.Read(buf)
			if err != nil {
				t.Fatalf("%s was not told: %v", want, err)
			}
			if strings.Contains(string(buf[:n]), want) {
				return
			}
		}
	}
	ready := fmt.Sprintf("READY=1\nSTATUS=Ready to handle connections\nMAINPID=%d", u.Pid())
	heard(ready)
	u.install(t, u.another())
	if out, status := u.Operate("upgrade"); status != 0 {
		t.Errorf("status %d: %s", status, out)
	}
	heard("RELOADING=1\nMONOTONIC_USEC=")
	heard(ready)
	u.install(t, []byte("#!/bin/sh\nexit 1\n"))
	u.Signal(syscall.SIGUSR2)
	heard("READY=1\nSTATUS=Reload failed, the old configuration keeps serving: the program ")
}

// As process 1, of a container, the master reaps whatever is left to it, and only the service's end may end it.
func TestUpgradeOfProcess1(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a pid namespace")
	}
	u := startUpgradable(t, "", func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	})
	files.Write(t, u.dir+"/leaves.php", `<?php exec("sleep 0.2 >/dev/null 2>&1 & echo \$!"); echo posix_getppid() > 1, " left";`)
	for i := range 3 {
		u.want("/leaves.php", 200, "1 left")
		u.install(t, u.another())
		u.Signal(syscall.SIGUSR2)
		u.said(`NOTICE: upgraded from phpsapi \S+ to phpsapi \S+`, i+1)
		u.want("/", 200, "index ")
	}
	u.said(`NOTICE: fpm is running, pid 1\n`, 4)
	wait.Until(t, "nothing is left", func() bool { return len(u.Tree()) == 5 })
	u.Signal(syscall.SIGQUIT)
	wait.Until(t, "it has ended", func() bool { return u.Ended() != "" })
}

// apt replaces libphp, and make engine an engine that is a file of its own: a reload is enough, and the old workers keep what they have.
func TestReplacedEngineIsLoadedByAReload(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	library := filepath.Join(dir, "libphp.so")
	text, err := os.ReadFile(serve.Stock().Libphp)
	if err != nil {
		t.Fatal(err)
	}
	install := func() os.FileInfo {
		files.Program(t, library+".new", text)
		if err := os.Rename(library+".new", library); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(library)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	install()
	u := startUpgradable(t, "engine: "+library+"\n")
	mapped := func() string {
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", u.Titled("php-fpm: zygote process")[0]))
		if err != nil {
			t.Fatal(err)
		}
		return string(maps)
	}
	for i, command := range []string{"reload", "upgrade"} {
		now := install().Sys().(*syscall.Stat_t)
		if out, status := u.Operate(command, "--wait-drained"); status != 0 || strings.Contains(out, "upgraded") != (i == 1) {
			t.Errorf("%s: status %d, %s", command, status, out)
		}
		wait.Until(t, "the old zygote is gone", func() bool { return len(u.Titled("php-fpm: zygote process")) == 1 })
		if maps := mapped(); !strings.Contains(maps, fmt.Sprintf(" %d ", now.Ino)) || strings.Contains(maps, "(deleted)\n") && strings.Contains(maps, library+" (deleted)") {
			t.Errorf("%s: the new libphp is not loaded", command)
		}
		u.want("/", 200, "index ")
	}
}
