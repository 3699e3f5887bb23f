package starts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// Monitoring finds a service's processes by name, as pidof and ps -C do.
func TestAllProcessesAreCalledAsTheirProgramIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		arguments string
		processes int
	}{
		{"php-fpm" + serve.Stock().Version, "-F -n -y DIR/conf", 4},
		{"phpsapi", "fpm --http ADDRESS --root DIR", 4},
		{"php-cgi", "-n -b DIR/sock", 4},
		{"php", "-n -S ADDRESS", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := serve.Dir(t)
			os.Chmod(dir, 0o755)
			program := filepath.Join(dir, c.name)
			if err := os.Symlink(filepath.Join(programs, "phpsapi"), program); err != nil {
				t.Fatal(err)
			}
			conf := serve.FPMConf(dir, "", "pm = static\npm.max_children = 2\n")
			if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o644); err != nil {
				t.Fatal(err)
			}
			arguments := strings.NewReplacer("DIR", dir, "ADDRESS", serve.Address(t)).Replace(c.arguments)
			command := exec.Command(program, strings.Fields(arguments)...)
			command.Env = append(os.Environ(), "PHP_FCGI_CHILDREN=2")
			var names map[int]string
			all := func() bool {
				names = map[int]string{}
				for _, pid := range serve.Tree(command.Process.Pid) {
					if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
						names[pid] = strings.TrimSpace(string(name))
					}
				}
				return len(names) >= c.processes
			}
			var said serve.Output
			command.Stdout, command.Stderr = &said, &said
			p, err := serve.Start(c.name, command, all, said.String)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			named := func() bool {
				all()
				for _, name := range names {
					if name != c.name { // or it is about to be executed
						return false
					}
				}
				return true
			}
			for end := time.Now().Add(10 * time.Second); !named(); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("processes are called %v, want %s", names, c.name)
				}
			}
		})
	}
}
