package contract

import (
	"reflect"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestSpecSurvivesTheFork(t *testing.T) {
	shared := &conf.Pool{Name: "www", StatusPath: conf.Text{Value: "/status", Set: true}}
	want := &Spec{
		Role: Role, Generation: 2, Slot: 3, Slots: 5, MasterPid: 7,
		Pool: &conf.Pool{Name: "www_status", PM: conf.Ondemand, RequestTerminateTimeout: 3 * time.Second, Shared: shared,
			Env: []conf.KeyValue{{Key: "A", Value: "b"}}, LimitExtensions: []string{".php"}},
		Identity: Identity{UID: 33, GID: 33, Groups: []int{33, 44}, User: "www-data", Home: "/var/www"},
		Files:    []File{Listen, Scoreboard, Control, SharedScoreboard},
	}
	payload, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(payload)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.File(SharedScoreboard) != 3 || got.File(Access) != -1 {
		t.Errorf("files at %d and %d, want 3 and -1", got.File(SharedScoreboard), got.File(Access))
	}
}

func TestForeignPayloadIsRefused(t *testing.T) {
	for _, payload := range []string{"", "{}", `{"Role":"cli-server"}`, "/x.php"} {
		if s, err := Decode([]byte(payload)); err == nil {
			t.Errorf("%q: got %+v, want an error", payload, s)
		}
	}
}
