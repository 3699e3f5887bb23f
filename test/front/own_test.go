package front

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// What scripts run as can neither signal the front nor read its memory or take its descriptors.
func TestScriptsCannotTouchTheFront(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	files.Write(t, filepath.Join(dir, "touch.php"), `<?php $p = "/proc/" . (int)$_GET["pid"];
		echo "signal ", var_export(posix_kill((int)$_GET["pid"], 0), true), ", memory ", var_export((bool)@fopen("$p/mem", "r"), true),
		", descriptors ", var_export((bool)@opendir("$p/fd"), true), ", environment ", var_export((bool)@file_get_contents("$p/environ"), true);`)
	s := start(t, address, nil, "--http", address, "--root", dir)
	front := s.said(`process (\d+) of generation 1 serves`, 1)
	info, err := os.Stat("/proc/" + front + "/mem")
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		t.Errorf("the front's memory is user %d's: it can be read", uid)
	}
	signal := os.Geteuid() != 0 // only root can make the front another user
	s.want("/touch.php?pid="+front, 200, fmt.Sprintf("signal %v, memory false, descriptors false, environment false", signal))
}

// A master that is root starts the front as a user who is not a pool's, and still reaches the pool's socket and the files of
// its group, whatever the pool's directives say.
func TestFrontReachesWhatOnlyThePoolsUserHas(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make the front another user")
	}
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: root}\n")
	dir := filepath.Dir(conf)
	text := files.Read(t, conf)
	files.Write(t, conf, text+"listen.mode = 0600\n")
	root := filepath.Join(dir, "root")
	os.Mkdir(root, 0o750)
	files.Write(t, filepath.Join(root, "page.txt"), "text\n")
	files.Write(t, filepath.Join(root, "index.php"), "<?php echo posix_geteuid();")
	group := serve.GroupID(t, "www-data")
	for _, name := range []string{root, root + "/page.txt", root + "/index.php"} {
		os.Chmod(name, map[bool]os.FileMode{true: 0o750, false: 0o640}[name == root])
		if err := os.Chown(name, 0, group); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, address, nil, "-y", conf, "-F", "-O")
	s.want("/page.txt", 200, "text")
	_, worker := s.Get("/")
	status := files.Read(t, "/proc/"+s.said(`process (\d+) of generation 1 serves`, 1)+"/status")
	if uid := uidOf(status); uid == worker || uid == "0" || uid == "65534" || uid == "" {
		t.Errorf("the front is user %s, the workers are %s", uid, worker)
	}
}

func uidOf(status string) string {
	_, rest, _ := strings.Cut(status, "Uid:")
	if fields := strings.Fields(rest); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// The pool of a service without configuration grows by what waits, not by two workers a second.
func TestPoolGrowsByTheFrontsQueue(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	s := start(t, address, nil, "--http", address, "--root", dir, "--set", "global.log_level=debug", "--set", "www.pm.max_children=12",
		"--set", "www.pm.start_servers=1", "--set", "www.pm.min_spare_servers=1", "--set", "www.pm.max_spare_servers=12",
		"--set", "www.ping.path=/ping", "--set", "www.pm.status_path=/status")
	files.Write(t, filepath.Join(dir, "held.php"), `<?php while (!file_exists(__DIR__ . "/release")) { usleep(5000); clearstatcache(); } echo "released";`)
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() { s.want("/held.php", 200, "released") })
	}
	s.said(`\[pool www\] ([4-9]|1\d) child\(ren\) have been created for \d+ HTTP requests`, 1) // when all have come
	wait.Until(t, "the queue in the status", func() bool {
		out := s.Order("status", "--json")
		queued := strings.Contains(out, `"http queue": 8,`) || // or one of them waits in the pool's own backlog,
			strings.Contains(out, `"http queue": 7,`) // as the first came to a worker without the front
		return queued && strings.Contains(out, `"requests": 12,`)
	})
	files.Write(t, filepath.Join(dir, "release"), "")
	clients.Wait()
}
