using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>Whom this process acts as.</summary>
internal static partial class CurrentUser
{
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint Id();
}
