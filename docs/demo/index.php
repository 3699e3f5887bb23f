<?php
// The page that `make run` serves.
$name = is_string($_GET['name'] ?? null) ? $_GET['name'] : '';
?>
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>phpsapi</title>
<h1>Hello<?= $name === '' ? '' : ', ' . htmlspecialchars($name) ?></h1>
<p>PHP <?= PHP_VERSION ?> answers through phpsapi, as <code><?= PHP_SAPI ?></code>, in process <?= getmypid() ?>.</p>
<form><label>Your name <input name="name"></label> <button>Greet</button></form>
<p><?= count(get_loaded_extensions()) ?> extensions: <?= htmlspecialchars(implode(', ', get_loaded_extensions())) ?></p>
</html>
