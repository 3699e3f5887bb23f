<?php
for ($i = 0; $i < 20; $i++) {
    header("X-Name-$i: value $i");
    setcookie("cookie$i", "value $i", ['expires' => 2000000000, 'path' => '/', 'httponly' => true]);
}
echo json_encode(['server' => $_SERVER, 'cookies' => $_COOKIE, 'time' => date('c')]);
