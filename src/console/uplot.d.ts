// The gateway serves the package's own file beside ours, under this name: a browser cannot look into node_modules.
export { default } from 'uplot';
