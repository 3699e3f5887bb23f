package main

import (
	"errors"
	"fmt"
	"strings"
)

// startsUnderLoad has n requests answered by n workers, one after the other in each of the pool's places. A worker that did not start
// would leave a client without an answer.
func startsUnderLoad(p program, n int) (t tally, err error) {
	s, err := start(p, "", "pm.max_requests = 1")
	if err != nil {
		return t, err
	}
	defer s.stop()
	t = load{clients: workers, script: "hello.php", requests: n / workers}.run(s, nil)
	if strings.Contains(s.logged(), "starts a Go runtime of its own") {
		return t, errors.New("the zygote's Go runtime could not be forked:\n" + s.logged())
	}
	return t, t.ok()
}

func showStarts(programs [2]program, n sizes) error {
	t, err := startsUnderLoad(programs[0], n.starts)
	fmt.Printf("phpsapi, each by a worker of its own: %v\n", t)
	return err
}
