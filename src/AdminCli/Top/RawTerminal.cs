using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Relay.AdminCli.Top;

/// <summary>
/// The terminal as long as it is ours: second screen, no cursor, every key at once. However this process ends or is
/// stopped, the terminal is given back as it was found. Past <see cref="Console"/>, which has its own idea of both.
/// </summary>
internal sealed class RawTerminal : IDisposable
{
    // As WatchScreen: second screen, no cursor, no wrapping; then everything away, for what is there is not ours.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l\e[m\e[2J";
    private const string Leave = "\e[m\e[?7h\e[?25h\e[?1049l";

    // Fixed after construction.
    private readonly TextWriter _writer;
    private readonly byte[] _found;
    private readonly byte[] _raw;
    private readonly FileStream _keys = new(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private bool _isOurs;
    private bool _isDisposed;
    private IReadOnlyList<string> _shown = [];

    private RawTerminal(TextWriter writer, byte[] found) => (_writer, _found, _raw) = (writer, found, LibC.Raw(found));

    /// <summary>Null where standard input is no terminal.</summary>
    /// <param name="changed">What is drawn may not be what is seen: another size, or back from the shell.</param>
    /// <param name="ended">The process was asked to end.</param>
    public static RawTerminal? Take(TextWriter writer, Action changed, Action ended)
    {
        if (LibC.TerminalMode() is not { } found)
        {
            return null;
        }

        var terminal = new RawTerminal(writer, found);
        try
        {
            AppDomain.CurrentDomain.ProcessExit += terminal.GiveBackMode;
            terminal.On(PosixSignal.SIGWINCH, changed);
            terminal.On(PosixSignal.SIGCONT, () =>
            {
                // The shell has set its own mode meanwhile, also where SIGSTOP left us no time to leave.
                terminal.MakeOurs();
                changed();
            });
            terminal.On(PosixSignal.SIGHUP, ended);
            terminal.On(PosixSignal.SIGQUIT, ended);
            if (OperatingSystem.IsLinux())
            {
                terminal.On(PosixSignal.SIGTSTP, () =>
                {
                    terminal.GiveBack();
                    LibC.Stop();
                });
            }

            terminal.MakeOurs();
            return terminal;
        }
        catch
        {
            terminal.Dispose();
            throw;
        }
    }

    /// <summary>At least one byte; 0 when the terminal is gone.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        try
        {
            return await _keys.ReadAsync(buffer, CancellationToken.None);
        }
        catch (IOException)
        {
            // It was hung up.
            return 0;
        }
    }

    /// <summary>Only lines that are different are written: over a slow network the rest would be in the way of the keys.</summary>
    public void Draw(IReadOnlyList<string> lines)
    {
        lock (_lock)
        {
            if (!_isOurs)
            {
                return;
            }

            for (var i = 0; i < Math.Max(lines.Count, _shown.Count); i++)
            {
                var line = i < lines.Count ? lines[i] : "";
                if (i >= _shown.Count || _shown[i] != line)
                {
                    // Cleared before and not after: at the end of a full line the cursor stands on its last letter.
                    _writer.Write($"\e[{i + 1};1H\e[K{line}");
                }
            }

            _shown = lines;
            _writer.Flush();
        }
    }

    /// <summary>The next <see cref="Draw"/> writes everything.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _shown = [];
            if (_isOurs)
            {
                _writer.Write("\e[2J");
            }
        }
    }

    public void Dispose()
    {
        _signals.ForEach(signal => signal.Dispose());
        AppDomain.CurrentDomain.ProcessExit -= GiveBackMode;
        lock (_lock)
        {
            _isDisposed = true;
        }

        GiveBack();
    }

    private void On(PosixSignal signal, Action act) => _signals.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        act();
    }));

    private void MakeOurs()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            LibC.SetTerminalMode(_raw);
            _isOurs = true;
            _shown = [];
            _writer.Write(Enter);
            _writer.Flush();
        }
    }

    private void GiveBack()
    {
        lock (_lock)
        {
            if (!_isOurs)
            {
                return;
            }

            _isOurs = false;
            try
            {
                _writer.Write(Leave);
                _writer.Flush();
            }
            catch (IOException)
            {
                // The terminal was hung up; there is nothing to restore.
            }
            finally
            {
                LibC.SetTerminalMode(_found);
            }
        }
    }

    // Where the process ends with the screen still taken, such as by its own time limit after SIGTERM while a stalled
    // terminal takes no output: without the lock, which the stalled one holds.
    private void GiveBackMode(object? sender, EventArgs e) => LibC.SetTerminalMode(_found);
}
