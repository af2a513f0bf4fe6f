using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Relay.TestKit;

/// <summary>
/// What is started in the background, or by nohup, ignores Ctrl-C or SIGHUP, and so do the programs that it starts in turn.
/// Ours are sent these signals, so tests that run like that handle them without doing anything: that is not inherited.
/// </summary>
internal static partial class DefaultSignals
{
    private const nint Default = 0;
    private const nint Ignored = 1;

    // More than struct sigaction has on any system. The handler comes first on all.
    private const int ActionBytes = 256;

    private static readonly List<PosixSignalRegistration> Handled = [];

    [ModuleInitializer]
    public static void Restore()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        foreach (var (number, signal) in new[] { (1, PosixSignal.SIGHUP), (2, PosixSignal.SIGINT), (3, PosixSignal.SIGQUIT) })
        {
            var action = new byte[ActionBytes];
            if (Look(number, 0, action) == 0 && MemoryMarshal.Read<nint>(action) == Ignored)
            {
                _ = Set(number, Default);
                Handled.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = true));
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static partial int Look(int number, nint newAction, [Out] byte[] action);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Set(int number, nint handler);
}
