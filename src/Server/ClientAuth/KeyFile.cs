using System.Security.Cryptography;

namespace Relay.ClientAuth;

/// <summary>The keys of Clients:Auth:KeyFile, read at the start and again when the file has changed.</summary>
internal sealed class KeyFile(ClientAuthOptions options) : IHostedService
{
    // Replaced whole, the hash by one caller at a time.
    private volatile KeySet _keys = KeySet.Empty;
    private byte[] _hash = [];

    public KeySet Current => _keys;

    /// <summary>What is to be watched: the file, if there is one.</summary>
    public IEnumerable<string> Files => options.KeyFile.Length > 0 ? [options.KeyFile] : [];

    /// <summary>Takes what the file holds now; true: that is different. Throws <see cref="InvalidDataException"/> when it cannot be used, and then the keys stay as they are.</summary>
    public bool Load()
    {
        if (options.KeyFile.Length == 0)
        {
            return false;
        }

        byte[] bytes;
        try
        {
            bytes = ReadBounded(options.KeyFile);
            var hash = SHA256.HashData(bytes);
            if (hash.AsSpan().SequenceEqual(_hash))
            {
                return false;
            }

            _keys = KeySetReader.Read(bytes, isPublished: false);
            _hash = hash;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new InvalidDataException($"Clients:Auth:KeyFile: '{options.KeyFile}' cannot be read: {exception.Message}", exception);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"Clients:Auth:KeyFile: '{options.KeyFile}' cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>A file that cannot be used stops the start.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Load();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static byte[] ReadBounded(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[KeySetReader.MaxBytes + 1];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }
}
