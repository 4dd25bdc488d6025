"""The virtualenv: made from the lock, done again after an interruption, left alone when it is somebody else's."""

import json
import shutil
from pathlib import Path

import pytest

from config import virtualenv


@pytest.fixture
def lock(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing to install\n")
    return lock


@pytest.fixture
def venv(tmp_path):
    return tmp_path / "venv"


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Make one virtualenv with pip and nothing else; the tests take copies, since making one takes seconds."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "requirements.lock").write_text("# nothing to install\n")
    virtualenv.ensure(folder / "venv", [folder / "requirements.lock"])
    return folder / "venv"


@pytest.fixture
def made(empty, venv):
    shutil.copytree(empty, venv, symlinks=True)
    return venv


def test_made_once_and_instantly_the_second_time(made, venv, lock, monkeypatch):
    assert json.loads((venv / virtualenv.MARKER).read_text()) == virtualenv.state_of(lock)
    monkeypatch.setattr(virtualenv, "build", None)
    assert virtualenv.main([str(venv), str(lock)]) == 0


def test_interrupted_install_is_done_again(made, venv, lock, capfd):
    (venv / virtualenv.MARKER).unlink()
    virtualenv.ensure(venv, [lock])
    assert "Installing 0 packages" in capfd.readouterr().out
    assert virtualenv.is_ready(venv, [lock])


def test_interrupted_making_begins_afresh(venv, lock, monkeypatch):
    (venv / "lib").mkdir(parents=True)
    (venv / ".lock").touch()
    commands = []
    monkeypatch.setattr(virtualenv, "run", lambda command, failure: commands.append(command[1:3]))
    virtualenv.ensure(venv, [lock])
    assert not (venv / "lib").exists()
    assert commands == [["-m", "venv"], ["-m", "pip"]]


def test_changed_lock_is_not_ready(made, venv, lock):
    lock.write_text("# changed\n")
    assert not virtualenv.is_ready(venv, [lock])


def test_larger_lock_serves_the_smaller(made, venv, lock, tmp_path, monkeypatch):
    smaller = tmp_path / "smaller.lock"
    smaller.write_text("# less\n")
    monkeypatch.setattr(virtualenv, "build", None)
    virtualenv.ensure(venv, [smaller, lock])
    with pytest.raises(TypeError):
        virtualenv.ensure(venv, [smaller])


def test_package_that_cannot_be_installed_is_one_sentence(made, venv, lock, capfd, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock.write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    assert virtualenv.main([str(venv), str(lock)]) == 1
    assert "countersign: the packages could not be installed" in capfd.readouterr().err
    assert not (venv / virtualenv.MARKER).exists()


def test_somebody_elses_virtualenv_is_used_as_it_is(venv, lock, tmp_path):
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    virtualenv.ensure(venv, [lock])
    link = tmp_path / "link"
    link.symlink_to(venv)
    virtualenv.ensure(link, [lock])
    assert not (venv / virtualenv.MARKER).exists()


def test_foreign_folder_without_python_is_refused(venv, lock, capsys):
    venv.mkdir()
    (venv / "notes.txt").touch()
    assert virtualenv.main([str(venv), str(lock)]) == 1
    assert "holds no Python: remove it, or name another with VENV=/path" in capsys.readouterr().err


def test_python_without_ensurepip_is_refused_with_the_package_to_install(venv, lock, monkeypatch, capsys):
    monkeypatch.setattr(virtualenv.importlib.util, "find_spec", lambda name: None)
    assert virtualenv.main([str(venv), str(lock)]) == 1
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_folder_that_cannot_be_written_is_named(lock, capsys):
    assert virtualenv.main([str(Path("/proc/venv")), str(lock)]) == 1
    assert "cannot write /proc/venv" in capsys.readouterr().err
