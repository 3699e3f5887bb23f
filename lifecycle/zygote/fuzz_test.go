package zygote

import "testing"

// FuzzMessages gives a parent what a zygote may say in which an application runs.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("step\x001\x00setuid\x00"))
	f.Add([]byte("error\x00x"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte("socket\x003\x00to\x00127.0.0.1\x0080\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if unbooted(facts(body)) == nil || refused(facts(body)) == nil {
			t.Error("no error")
		}
		if pid, err := child(body); err == nil && pid < 0 {
			t.Errorf("pid %d", pid)
		}
		exit(body)
		notLoaded("x", body)
		notStarted(string(body))
	})
}
