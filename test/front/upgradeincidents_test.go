package front

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// A reload forgets no incident, and so an upgrade must not.
func TestUpgradeForgetsNoIncident(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, "incident_log: incidents\n")
	files.Write(t, u.dir+"/kill.php", ends["kill.php"])
	for n := 1; n <= incident.Many+1; n++ {
		u.Get("/kill.php")
		i := u.last(n)
		if i.Number != uint64(n) || i.ScriptEnded != n {
			t.Errorf("incident %d has number %d, and its script has ended %d workers", n, i.Number, i.ScriptEnded)
		}
		if n%2 == 1 {
			continue
		}
		u.install(t, u.another())
		if out, status := u.Operate("upgrade", "--wait-drained"); status != 0 {
			t.Fatal(status, out)
		}
		if all := u.all(n); len(all.Incidents) != n || all.Incidents[0].URI != "/kill.php" || len(all.Scripts) != 1 {
			t.Errorf("after an upgrade %d of %d incidents are there, %v", len(all.Incidents), n, all.Scripts)
		}
	}
	u.said("kill.php. has ended 5 workers in the last 10 minutes", 1)
	if lines := strings.Count(files.Text(u.dir+"/incidents"), "\n"); lines != incident.Many+1 {
		t.Errorf("the incident log has %d lines", lines)
	}
}

// Whether the file can be opened is known before the service is started, and a reload says the same as a start.
func TestIncidentLogIsTested(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, "")
	own := files.Read(t, u.dir+"/phpsapi.yaml")
	files.Write(t, u.dir+"/phpsapi.yaml", own+"incident_log: nowhere/incidents\n")
	says := "incident_log: " + u.dir + "/nowhere/incidents cannot be opened: no such file"
	for name, run := range map[string]func() (string, int){
		"test":   func() (string, int) { return u.check("-t") },
		"start":  func() (string, int) { return u.check("-F") },
		"reload": func() (string, int) { return u.Operate("reload") },
		"upgrade": func() (string, int) {
			u.install(t, u.another())
			return u.Operate("upgrade")
		},
	} {
		if out, status := run(); status != 78 || !strings.Contains(out, u.dir+"/phpsapi.yaml:") || !strings.Contains(out, says) {
			t.Errorf("%s: status %d, %s", name, status, out)
		}
	}
	u.want("/", 200, "index ")
}

// check runs the program beside the service.
func (u *upgradable) check(option string) (string, int) {
	return serve.Execute(u.T, exec.Command(u.program, "fpm", "-y", u.conf, "-O", option))
}

// A worker of the program before that dies in its request is an incident as well, and its client gets the front's page.
func TestUpgradeAnswersForWorkersOfTheProgramBefore(t *testing.T) {
	t.Parallel()
	for mode, settings := range map[string]string{"by HTTP": "", "twice": "", "behind the front": "http.direct: off\n"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			u := startUpgradable(t, settings)
			// Until the workers accept, the front does.
			wait.Until(t, "the workers are idle", func() bool {
				text, _ := u.Operate("status", "--full")
				return strings.Count(text, " Idle ") == 2
			})
			files.Write(t, u.dir+"/later.php", `<?php for ($end = microtime(true) + 60; microtime(true) < $end && !file_exists(__DIR__."/end"); usleep(10000)); posix_kill(getmypid(), 11); sleep(5);`)
			got := make(chan int, 1)
			go func() {
				status, _ := u.Get("/later.php")
				got <- status
			}()
			if err := u.WaitFor(20*time.Second, func() bool {
				text, _ := u.Operate("status", "--full")
				return strings.Contains(text, "later.php")
			}); err != nil {
				t.Fatal(err)
			}
			for n := range map[bool]int{true: 2, false: 1}[mode == "twice"] {
				u.install(t, u.another())
				if out, status := u.Operate("upgrade"); status != 0 {
					t.Fatal(n, status, out)
				}
			}
			files.Write(t, u.dir+"/end", "")
			if status := <-got; status != 502 {
				t.Errorf("the client got %d", status)
			}
			i := u.last(1)
			if i.Kind != incident.Crash || i.URI != "/later.php" || i.Generation != 1 || i.Engine == "" || len(i.PHPStack) == 0 ||
				mode != "behind the front" && i.Client != incident.Got502 {
				t.Errorf("got %+v", i)
			}
			u.said(`of the previous program exited on signal 11 \(SIGSEGV\)`, 1)
			u.want("/", 200, "index ")
		})
	}
}

// An exception that nobody catches ends its request alone: when the worker is told to go later, or its loop ends by itself, it has not
// ended by that. It has if the script does not catch it outside of a request, with the same words too.
func TestExceptionThatAWorkerOutlivesIsNoIncident(t *testing.T) {
	t.Parallel()
	const throws = `function () { fails(); }`
	for name, c := range map[string]struct {
		script    string
		incidents uint64
	}{
		"it is told to go":        {`while (frankenphp_handle_request(` + throws + `));`, 0},
		"its loop ends":           {`for ($n = 0; $n < 2 && frankenphp_handle_request(` + throws + `); $n++);`, 0},
		"it exits after that":     {`frankenphp_handle_request(` + throws + `); exit(3);`, 0},
		"it ends by another":      {`frankenphp_handle_request(` + throws + `); throw new Exception("another");`, 4},
		"it ends by the same one": {`frankenphp_handle_request(` + throws + `); fails();`, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serve.Address(t)
			conf := configured(t, "http: {listen: '"+address+"', root: .}\nworker: w.php\n")
			files.Write(t, filepath.Dir(conf)+"/w.php", `<?php function fails() { throw new Exception("outlived"); } `+c.script)
			s := startCommand(t, address, serve.FPM("-y", conf, "-F", "-O"))
			for i := range uint64(4) {
				if status, body := s.Get("/w.php"); status != 500 {
					t.Errorf("got %d %s", status, body)
				}
				// A worker that the process manager has told to go, as its successor is there, is not an incident if it ends by itself before that.
				wait.Until(t, "the incident is there", func() bool { return s.all(0).Total >= min(i+1, c.incidents) })
			}
			wait.Until(t, "the exceptions are logged", func() bool {
				return strings.Count(s.Log(), "PHP message: PHP Fatal error:  Uncaught Exception: outlived") == 4
			})
			if c.incidents == 0 {
				if out, err := serve.FPM("reload", "--wait-drained", "--master", strconv.Itoa(s.Pid())).CombinedOutput(); err != nil {
					t.Fatal(err, string(out))
				}
			}
			wait.Until(t, "the incidents are there", func() bool { return s.all(0).Total >= c.incidents })
			if all := s.all(0); all.Total != c.incidents {
				t.Errorf("there are %d incidents: %+v", all.Total, all.Incidents[0])
			}
		})
	}
}
