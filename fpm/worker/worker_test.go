package worker

import (
	"testing"
)

func TestHello(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("hello.php", "<?php echo 'Hello ', PHP_SAPI;")
	got := get(p.Dir, "hello.php").do(t, p.Socket)
	want := "X-Powered-By: PHP/" + p.zygote.Version + "\r\nContent-type: text/html; charset=UTF-8\r\n\r\nHello fpm-fcgi"
	if got.stdout != want || got.stderr != "" || got.err != nil {
		t.Errorf("got %v\nlog %s", got, p.log())
	}
}
