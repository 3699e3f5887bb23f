package devserver_test

import (
	"crypto/sha1"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestOutputComesAtOnce(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"with flush":    waits,
		"without flush": strings.Replace(waits, "flush();", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			root := files.Make(t, map[string]string{"waits.php": script})
			s := start(t, binary, root, nil, "-n")
			conn := begun(t, s, filepath.Join(root, "go")) // it reads what the script said before it waits
			if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := readAll(conn); got != ", done" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestClientThatLeavesEndsTheScript(t *testing.T) {
	t.Parallel()
	script := `<?php ignore_user_abort(isset($_GET["ignore"]));
		register_shutdown_function(function () { file_put_contents($_GET["file"], "aborted " . connection_aborted()); });
		echo "begun";
		for ($i = 0; $i < 500 && !connection_aborted(); $i++) { echo str_repeat("x", 100000); flush(); usleep(1000); }`
	for _, query := range []string{"", "&ignore"} {
		root := files.Make(t, map[string]string{"waits.php": script})
		s := start(t, binary, root, nil, "-n")
		file := filepath.Join(root, "result")
		begun(t, s, file+query).Close()
		wait.Until(t, "the end of the script", func() bool {
			text, _ := os.ReadFile(file)
			return string(text) == "aborted 1"
		})
	}
}

func TestLargeUploadIsNotHeldInMemory(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	root := files.Make(t, map[string]string{"a.php": `<?php
		$hash = hash_init("sha1"); $in = fopen("php://input", "rb"); $length = 0;
		while (($piece = fread($in, 1 << 16)) !== "" && $piece !== false) { hash_update($hash, $piece); $length += strlen($piece); }
		echo $length, " ", hash_final($hash);`})
	temporary := t.TempDir()
	s := start(t, binary, root, []string{"TMPDIR=" + temporary}, "-n", "-d", "post_max_size=0", "-d", "memory_limit=16M")
	conn := s.dial()
	fmt.Fprintf(conn, "POST /a.php HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", size)
	hash := sha1.New()
	if _, err := io.CopyN(io.MultiWriter(conn, hash), repeated("0123456789abcde\n"), size); err != nil {
		t.Fatal(err)
	}
	if got, want := body(readAll(conn)), fmt.Sprintf("%d %x", size, hash.Sum(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if peak := serve.Peak(s.Pid()) << 10; peak > size {
		t.Errorf("the parent needed %d bytes", peak)
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLargeFileIsNotHeldInMemory(t *testing.T) {
	t.Parallel()
	const size = 256 << 20
	root := files.Make(t, map[string]string{"large.bin": ""})
	if err := os.Truncate(filepath.Join(root, "large.bin"), size); err != nil {
		t.Fatal(err)
	}
	s := start(t, binary, root, nil, "-n")
	conn := s.dial()
	fmt.Fprint(conn, "GET /large.bin HTTP/1.0\r\n\r\n")
	n, err := io.Copy(io.Discard, conn)
	if err != nil || n < size {
		t.Errorf("got %d bytes, %v", n, err)
	}
	if peak := serve.Peak(s.Pid()) << 10; peak > size/4 {
		t.Errorf("the parent needed %d bytes", peak)
	}
}

// repeated gives its text for ever.
type repeated string

func (r repeated) Read(p []byte) (int, error) {
	n := 0
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

func TestClientThatWaitsIsToldToContinue(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": `<?php echo file_get_contents("php://input");`})
	s := start(t, binary, root, nil, "-n")
	conn := s.dial()
	fmt.Fprint(conn, "POST /a.php HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	const told = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(told))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != told {
		t.Fatalf("got %q, %v", got, err)
	}
	fmt.Fprint(conn, "abc")
	if got := body(readAll(conn)); got != "abc" {
		t.Errorf("got %q", got)
	}
}

func TestOfTwoRequestsAtOnceTheFirstIsAnswered(t *testing.T) {
	t.Parallel()
	s := start(t, binary, files.Make(t, map[string]string{"a": "one", "b": "two"}), nil, "-n")
	conn := s.dial()
	fmt.Fprint(conn, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
	if got := body(readAll(conn)); got != "one" {
		t.Errorf("got %q", got)
	}
}

func TestWorkersShareOpcache(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{
		"waits.php": waits,
		"status.php": `<?php $s = opcache_get_status()["scripts"];
			foreach ($s as $path => $script) { if (str_ends_with($path, "waits.php")) { echo "hits ", $script["hits"]; } }`,
	})
	s := start(t, binary, root, nil, "-n", "-d", "zend_extension=opcache", "-d", "opcache.enable=1",
		"-d", "opcache.file_update_protection=0")
	for range 3 { // each in a worker of its own, for the others are busy
		begun(t, s, filepath.Join(root, "go"))
	}
	if got := body(s.get("/status.php")); got != "hits 2" {
		t.Errorf("got %q, want two hits in the memory that a fourth worker shares", got)
	}
}

func TestSessionsAndUploads(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{
		"session.php": `<?php session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SESSION["n"];`,
		"upload.php": `<?php $f = $_FILES["up"]; echo file_get_contents($f["tmp_name"]);
			echo " ", move_uploaded_file($f["tmp_name"], $_GET["to"]) ? "moved" : "stays";`,
	})
	s := start(t, binary, root, nil, "-n", "-d", "session.save_path="+t.TempDir())
	first := s.get("/session.php")
	cookie := regexp.MustCompile(`Set-Cookie: (PHPSESSID=\w+)`).FindStringSubmatch(first)
	if cookie == nil {
		t.Fatalf("no cookie in %q", first)
	}
	conn := s.dial()
	fmt.Fprint(conn, get("/session.php", "Cookie: "+cookie[1]))
	if got := body(readAll(conn)); got != "2" {
		t.Errorf("session: got %q", got)
	}
	conn = s.dial()
	fmt.Fprint(conn, post("/upload.php?to="+filepath.Join(root, "moved.txt"), "multipart/form-data; boundary=b", multipart))
	if got := body(readAll(conn)); got != "content moved" {
		t.Errorf("upload: got %q", got)
	}
}
