package front

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// opcache_reset() in worker mode did nothing for ever: opcache waits until no worker uses its memory. New workers have another.
func TestOpcacheResetOfAWorkerScriptBringsNewWorkers(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	files.Write(t, filepath.Join(dir, "part.php"), "<?php return 'old';")
	files.Write(t, filepath.Join(dir, "index.php"), `<?php
while (frankenphp_handle_request(function () {
	if (isset($_GET['reset'])) { echo json_encode(opcache_reset()); return; }
	if (isset($_GET['log'])) frankenphp_log('said', FRANKENPHP_LOG_LEVEL_WARN, ['by' => 'script']);
	echo include __DIR__ . '/part.php', ' ', getmypid();
}));`)
	s := serveApplication(t, dir, "-n", "-d", "zend_extension=opcache", "-d", "opcache.enable=1", "-d", "opcache.file_update_protection=0",
		"-d", "opcache.validate_timestamps=0", "--set", "www.worker.processes=1")
	_, first := s.Get("/")
	files.Write(t, filepath.Join(dir, "part.php"), "<?php return 'new';")
	s.want("/?log", 200, first)
	s.said(`WARNING: \[pool www\] child \d+, said {"by":"script"}`, 1)
	l := s.load(4, "/")
	s.want("/?reset", 200, "true")
	s.said(`\[pool www\] child \d+ called opcache_reset\(\): new workers, with an empty opcache, are about to replace all`, 1)
	if err := s.WaitFor(20*time.Second, func() bool { _, body := s.Get("/"); return strings.HasPrefix(body, "new ") }); err != nil {
		t.Error(err)
	}
	if wrong := l.End(); len(wrong) > 0 {
		t.Errorf("of %d requests went wrong: %v", l.Asked(), wrong)
	}
}
