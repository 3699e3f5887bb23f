<!DOCTYPE html>
<html lang="<?= $this->e($language) ?>">
<head><meta charset="utf-8"><title><?= $this->e($title) ?></title></head>
<body>
<h1><?= $this->e($title) ?></h1>
<p>Visitor <?= $this->e($visitor) ?></p>
<table>
<?php foreach ($services as $id => $label): ?>
<tr><td><?= $this->e($id) ?></td><td><?= $this->e($label) ?></td></tr>
<?php endforeach ?>
</table>
</body>
</html>
