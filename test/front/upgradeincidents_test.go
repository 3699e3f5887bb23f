package front

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/incident"
)

// A reload forgets no incident, and so an upgrade must not.
func TestUpgradeForgetsNoIncident(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, "incident_log: incidents\n")
	write(t, u.dir+"/kill.php", ends["kill.php"])
	for n := 1; n <= incident.Many+1; n++ {
		u.get("/kill.php")
		i := u.last(n)
		if i.Number != uint64(n) || i.ScriptEnded != n {
			t.Errorf("incident %d has number %d, and its script has ended %d workers", n, i.Number, i.ScriptEnded)
		}
		if n%2 == 1 {
			continue
		}
		u.install(t, u.another())
		if out, status := u.operate("upgrade", "--wait-drained"); status != 0 {
			t.Fatal(status, out)
		}
		if all := u.all(n); len(all.Incidents) != n || all.Incidents[0].URI != "/kill.php" || len(all.Scripts) != 1 {
			t.Errorf("after an upgrade %d of %d incidents are there, %v", len(all.Incidents), n, all.Scripts)
		}
	}
	u.said("kill.php. has ended 5 workers in the last 10 minutes", 1)
	text, _ := os.ReadFile(u.dir + "/incidents")
	if lines := strings.Count(string(text), "\n"); lines != incident.Many+1 {
		t.Errorf("the incident log has %d lines", lines)
	}
}

// Whether the file can be opened is known before the service is started.
func TestIncidentLogIsTested(t *testing.T) {
	t.Parallel()
	conf := configured(t, "incident_log: nowhere/incidents\n")
	out, err := exec.Command(binary, "fpm", "test", "-y", conf).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "phpsapi.yaml:1: incident_log: "+filepath.Dir(conf)+"/nowhere/incidents cannot be opened: no such file") {
		t.Errorf("got %v, %s", err, out)
	}
}
