namespace Relay.Configuration;

/// <summary>An option that may hold a password: its value is never printed.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecretAttribute : Attribute;
