import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { signInByAddress } from './state/signing.ts';

const target = document.getElementById('app');
if (target !== null) void signInByAddress().then(() => mount(App, { target }));
