package security

import (
	"regexp"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/wait"
)

// forges writes to standard error what looks like a line of the master's own, wherever a line of the log may begin: after the end of a
// line, a carriage return, the mark by which workers end a line, and where a long line is wrapped.
const forges = `<?php
$forged = "[01-Jan-2001 00:00:00] NOTICE: fpm is running, pid 1";
$stderr = fopen('php://stderr', 'w');
fwrite($stderr, "$forged\nx\n$forged\nx\r$forged\n\n$forged\n\r\n$forged\n\x1b[2K\x1b[1G$forged\nx\0fscf\0$forged\n");
for ($n = 850; $n < 1050; $n++) {
	fwrite($stderr, str_repeat('x', $n) . "$forged\n");
}
for ($n = 1; $n < 40; $n++) {
	fwrite($stderr, str_repeat('x', 1023 * $n) . $forged);
	fwrite($stderr, "$forged\n");
}
fwrite($stderr, "\0fscf\0\0fscf\0{$forged}the end\n");`

// A script's output is marked as such in each line of the log, and so cannot pass for what the master says.
func TestOutputForgesNoLineOfTheLog(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`^\[\d\d-\w{3}-20(2[6-9]|[3-9]\d) [0-9:]{8}\] (WARNING: \[pool www\] child \d+ said into stderr: "|NOTICE: )`)
	for _, buffering := range []string{"yes", "no"} {
		t.Run("log_buffering "+buffering, func(t *testing.T) {
			t.Parallel()
			p := prepare(t, "catch_workers_output = yes", "sandbox: off", map[string]string{"forges.php": forges})
			p.Write("php-fpm.conf", strings.Replace(p.Read("php-fpm.conf"), "[global]\n", "[global]\nlog_buffering = "+buffering+"\nlog_limit = 1024\n", 1))
			s := p.start()
			if status, body := s.Get("/forges.php"); status != 200 {
				t.Fatal(status, body)
			}
			wait.Until(t, "the output is logged", func() bool { return strings.Contains(s.Log(), "the end") })
			for line := range strings.Lines(s.Log()) {
				if !own.MatchString(line) {
					t.Errorf("the log has the line %.120q", line)
				}
			}
		})
	}
}
