namespace Relay.Native;

/// <summary>The error numbers of Linux that are distinguished; calls return them negated.</summary>
internal static class Errno
{
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int NoMemory = 12;
    public const int TooManyFilesInSystem = 23;
    public const int TooManyFiles = 24;
    public const int ConnectionAborted = 103;
    public const int NoBuffers = 105;
}
